import { isIP } from 'node:net'

export interface OllamaHost {
  /** Where to connect, without a slash at its end. */
  url: string
  /** What of the value was not usable, for a person. */
  problem?: string
}

const defaultHost = '127.0.0.1'
const defaultPort = '11434'

/**
 * Reads `OLLAMA_HOST` as Ollama itself does (its `envconfig`), then makes of an address to listen on one to connect to.
 * No value: `http://127.0.0.1:11434`.
 */
export function parseOllamaHost(value: string | undefined): OllamaHost {
  const { scheme, rest, fallbackPort } = splitScheme(withoutQuotes(value ?? ''))
  const [hostAndPort, path] = splitOnce(rest, '/')
  const { host, port } = splitHostAndPort(hostAndPort, fallbackPort)
  const usable = isPort(port)
  const url = `${scheme}://${toUrlHost(toConnectable(host))}:${usable ? Number(port) : fallbackPort}`
  const trimmedPath = (path ?? '').replace(/\/+$/, '')
  return {
    url: trimmedPath === '' ? url : `${url}/${trimmedPath}`,
    ...(!usable && { problem: `"${port}" is no port; ${fallbackPort} is used.` }),
  }
}

/** White space, then quotes of either kind: a value from a service file often keeps them. */
function withoutQuotes(value: string): string {
  return value
    .trim()
    .replace(/^["']+|["']+$/g, '')
    .trim()
}

function splitScheme(value: string): { scheme: string; rest: string; fallbackPort: string } {
  if (value === 'ollama.com') return { scheme: 'https', rest: value, fallbackPort: '443' }
  const [scheme, rest] = splitOnce(value, '://')
  if (rest === undefined) return { scheme: 'http', rest: value, fallbackPort: defaultPort }
  if (scheme === 'http') return { scheme, rest, fallbackPort: '80' }
  if (scheme === 'https') return { scheme, rest, fallbackPort: '443' }
  return { scheme, rest, fallbackPort: defaultPort }
}

/** `host:port`, `[v6]:port` and `:port` have both; anything else is a host, or nothing at all. */
function splitHostAndPort(text: string, fallbackPort: string): { host: string; port: string } {
  const both = /^\[([^\]]*)\]:(.*)$/.exec(text) ?? /^([^:[\]]*):([^:]*)$/.exec(text)
  if (both) return { host: both[1] ?? '', port: both[2] ?? '' }
  const bare = text.replace(/^\[|\]$/g, '')
  return { host: isIP(bare) ? bare : text, port: fallbackPort }
}

function isPort(text: string): boolean {
  return /^\+?\d+$/.test(text) && Number(text) <= 65_535
}

/** An address that means "all of this machine" is one to listen on. */
function toConnectable(host: string): string {
  if (host === '' || host === '0.0.0.0') return defaultHost
  return isIP(host) === 6 && /^[0:]+$/.test(host) ? '::1' : host
}

function toUrlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}
