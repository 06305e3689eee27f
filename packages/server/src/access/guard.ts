import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { LmappError } from 'lmapp-kit'

/** Whom configuration lets in besides this machine's own programs. */
export interface Guests {
  /** Origins of pages. */
  origins: readonly string[]
  /** Names of this machine. */
  hosts: readonly string[]
}

/**
 * Keeps web pages out of TCP: a page of another origin, also one whose name was made to point at this machine,
 * shows itself by `Host`, `Origin` or `Sec-Fetch-Site`. Throws `forbidden`.
 */
export function assertLocalRequest(request: IncomingMessage, allowed: Guests): void {
  const { host, origin } = request.headers
  if (host === undefined || !isOwnHost(host, request.socket.localPort, request.socket.localAddress, allowed.hosts)) {
    throw refusal(`The host "${shorten(host)}" is not this service.`, 'list the name in serve.hosts')
  }
  if (origin !== undefined && isListed(origin, allowed.origins)) return
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw refusal(`Pages from "${shorten(origin)}" may not use this service.`, 'list the origin in serve.origins')
  }
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw refusal('Pages from other sites may not use this service.', 'list their origin in serve.origins')
  }
}

/** Whether configuration lets pages of this origin in. `null` is no origin. */
export function isListed(origin: string, origins: readonly string[]): boolean {
  return origins.some((listed) => listed.toLowerCase().replace(/\/$/, '') === origin.toLowerCase())
}

/** Of this machine, by number: 127.0.0.0/8 and ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(address)
}

/**
 * A number is never somebody else's name; on other addresses than loopback it must be the one that was connected to, or
 * that of all, which leads here from this machine.
 */
function isOwnHost(
  host: string,
  port: number | undefined,
  address: string | undefined,
  hosts: readonly string[],
): boolean {
  const [, name = '', ownPort = '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? []
  if (Number(ownPort) !== port) return false
  const bare = name.replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name === '[::1]' || isLoopbackAddress(name)) return true
  if (name === '0.0.0.0' || name === '[::]') return true
  return hosts.some((known) => known.toLowerCase() === name) || (isIP(bare) > 0 && toPlain(address) === bare)
}

/** An IPv4 address that came in by IPv6, as people write it. */
function toPlain(address: string | undefined): string | undefined {
  return address?.toLowerCase().replace(/^::ffff:/, '')
}

function refusal(message: string, otherwise: string): LmappError {
  return new LmappError('forbidden', message, {
    hint: `Use the address that \`lmapp serve\` printed, or ${otherwise}`,
  })
}

function shorten(text = ''): string {
  return text.slice(0, 200)
}
