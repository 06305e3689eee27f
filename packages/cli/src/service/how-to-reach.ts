import { networkInterfaces } from 'node:os'

export interface Reach {
  /** Where TCP is open, as a URL. */
  address: string
  needsKey: boolean
  /** Addresses of this machine. */
  own?: readonly string[]
}

/** For whoever started `lmapp serve` on a terminal: what to give to a client. */
export function howToReach({ address, needsKey, own = ownAddresses() }: Reach): string {
  const { hostname, port } = new URL(address)
  const isEverywhere = hostname === '0.0.0.0' || hostname === '[::]'
  const near = isEverywhere ? `http://127.0.0.1:${port}` : address
  const far = own.map((each) => `http://${each.includes(':') ? `[${each}]` : each}:${port}`)
  return [
    `Base URL: ${near}/v1 for OpenAI clients, ${near} for those of Anthropic and Ollama`,
    ...(isEverywhere && far.length > 0 ? [`From other machines: ${far.join(' ')}`] : []),
    needsKey ? 'Key: lmapp keys create NAME' : 'Key: any will do on this machine',
    `What there is: ${near}/docs. Ctrl-C ends it.`,
  ].join('\n')
}

/** Those that other machines may reach; one of a single link would need its name. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address)
}
