import { type LookupAddress, type LookupAllOptions, lookup as lookupName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { LmappError } from 'lmapp-kit'
import { isInsideAddress } from './inside-address.ts'

/** How names become addresses, and which of these are of this machine or its networks. */
export interface Network {
  lookup(
    name: string,
    options: LookupAllOptions,
    callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
  ): void
  isInside(address: string): boolean
}

/** One GET on its way from the first URL through its redirects. */
export interface Journey {
  readonly current: URL
  /** For the connection to `current`: it hands out only addresses that may be connected to. */
  readonly lookup: LookupFunction
  /** Goes on to where `current` redirects. Throws `download-failed` for a place that is not allowed. */
  follow(location: string): void
}

/**
 * The first URL is the user's choice and may be anywhere. From there on:
 * - A redirect goes to HTTPS, or from HTTP to HTTP, and brings no user and password along.
 * - It leads to no address of this machine or its networks (`isInsideAddress`), be it written in the URL or what the
 *   name stands for, and not to `localhost`. What is judged are the addresses that the connection is then made to, so a
 *   name cannot change its meaning in between. A name with one such address among others is refused.
 * - One exception: a mirror that is inside itself may redirect to its own host, on any port, until a redirect has led to
 *   another host. To another host inside it may not. A name is inside when its first look-up says so: one that was
 *   public cannot become private later.
 * Behind a proxy of the environment it is the proxy that looks up names: then only addresses in URLs and `localhost`
 * are judged.
 */
export function createJourney(first: URL, network: Network = machineNetwork): Journey {
  const isInsideHost = (url: URL) => isInsideName(hostOf(url), network)
  let current = first
  let isHome = true
  let isHomeInside = isInsideHost(first)

  const admit = (addresses: readonly LookupAddress[]): boolean => {
    const leadsInside = addresses.some(({ address }) => network.isInside(address))
    if (current === first) isHomeInside ||= leadsInside
    return !leadsInside || (isHome && isHomeInside)
  }

  return {
    get current() {
      return current
    },
    lookup(name, options, callback) {
      network.lookup(name, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, [])
        if (!admit(addresses)) return callback(toInside(first, current), [])
        if (options.all) return callback(null, addresses)
        const [one] = addresses
        callback(null, one?.address ?? '', one?.family)
      })
    },
    follow(location) {
      const next = toNext(current, location)
      isHome &&= next.hostname === first.hostname
      if (isInsideHost(next) && !(isHome && isHomeInside)) throw toInside(first, next)
      current = next
    },
  }
}

const machineNetwork: Network = {
  lookup: lookupName,
  isInside: isInsideAddress,
}

/** Without the brackets of IPv6. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

function isInsideName(host: string, { isInside }: Network): boolean {
  return isIP(host) === 0 ? /(^|\.)localhost\.?$/.test(host) : isInside(host)
}

/** From HTTPS only to HTTPS: what is asked for is nobody else's business. */
function toNext(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const isWeb = to && (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:'))
  if (isWeb && (!hasCredentials(to) || isSameAccount(to, from))) return to
  throw new LmappError('download-failed', `${from.host} redirects to a place that is not allowed.`, {
    details: { location },
  })
}

const hasCredentials = ({ username, password }: URL): boolean => username !== '' || password !== ''

/** Those of the first URL stay in the relative redirects of its server. */
function isSameAccount(one: URL, other: URL): boolean {
  return one.origin === other.origin && one.username === other.username && one.password === other.password
}

function toInside(first: URL, to: URL): LmappError {
  const message = `${first.host} redirects to ${to.host}, which is of this machine or its networks. That is not allowed.`
  return new LmappError('download-failed', message, {
    hint: 'If it is a mirror of yours, name its own address as the source: lmapp config get sources',
    details: { host: to.host },
  })
}
