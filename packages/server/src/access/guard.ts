import type { IncomingMessage } from 'node:http'
import { LmappError } from 'lmapp-kit'

/**
 * Keeps web pages out of TCP: a page of another origin, also one whose name was made to point at this machine,
 * shows itself by `Host`, `Origin` or `Sec-Fetch-Site`. Throws `forbidden`.
 */
export function assertLocalRequest(request: IncomingMessage): void {
  const { host, origin } = request.headers
  if (host === undefined || !isOwnHost(host, request.socket.localPort)) {
    throw refusal(`The host "${host ?? ''}" is not this service.`)
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw refusal(`Pages from "${origin}" may not use this service.`)
  }
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw refusal('Pages from other sites may not use this service.')
  }
}

/** Of this machine, by number: 127.0.0.0/8 and ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(address)
}

function isOwnHost(host: string, port: number | undefined): boolean {
  const [, name = '', ownPort = '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? []
  return Number(ownPort) === port && (name === 'localhost' || name === '[::1]' || isLoopbackAddress(name))
}

function refusal(message: string): LmappError {
  return new LmappError('forbidden', message, { hint: 'Use the address that `lmapp serve` printed' })
}
