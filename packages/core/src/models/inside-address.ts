import { BlockList, isIP } from 'node:net'

/**
 * Whether an IP address leads to this machine or into its networks: loopback, private, shared (100.64.0.0/10), link-local,
 * multicast, unspecified or reserved, also where an IPv6 address carries such an IPv4 address. What is no address counts
 * as one.
 */
export function isInsideAddress(address: string): boolean {
  const [bare = ''] = address.split('%')
  const family = isIP(bare)
  return family === 0 || inside.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * From IANA's registries of special addresses. Those for benchmarks (198.18.0.0/15) are left out: proxies that catch all
 * traffic of a machine give them out in place of every public address.
 */
const ranges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Unspecified, loopback and IPv4-compatible; local translation; Teredo; 6to4; unique local; link-local; site-local; multicast. */
const wideRanges = [
  '::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/** With an IPv4 address as their last 32 bits: mapped, translated, and translated by a network without IPv4. */
const carriers = ['::ffff:', '::ffff:0:', '64:ff9b::']

const inside = new BlockList()
for (const range of ranges) {
  const [start = '', length] = range.split('/')
  inside.addSubnet(start, Number(length), 'ipv4')
  for (const carrier of carriers) inside.addSubnet(`${carrier}${start}`, 96 + Number(length), 'ipv6')
}
for (const range of wideRanges) {
  const [start = '', length] = range.split('/')
  inside.addSubnet(start, Number(length), 'ipv6')
}
