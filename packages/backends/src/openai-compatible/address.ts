export interface Address {
  /** What the paths of the engine's own questions stand behind. */
  root: string
  /** Where the API may stand behind it, the likeliest first. */
  prefixes: readonly string[]
}

/**
 * Where to look for the API. An address that ends in a version is taken at its word; one that does not may lack the usual
 * `/v1`, which is looked for on the same server, so that a key reaches nobody else.
 */
export function toAddress(url: string): Address {
  const trimmed = url.replace(/\/+$/, '')
  const versioned = /^(.*)(\/v\d+)$/.exec(trimmed)
  if (versioned) return { root: versioned[1] ?? '', prefixes: [versioned[2] ?? ''] }
  const path = URL.parse(trimmed)?.pathname ?? '/'
  return { root: trimmed, prefixes: path === '/' ? ['/v1', ''] : ['', '/v1'] }
}
