import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInsideAddress } from './inside-address.ts'

/** First and last address of each range, and those just outside where they are anybody's. */
const inside4 = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.1', '127.255.255.255'],
  ['169.254.0.0', '169.254.169.254', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.192'],
  ['192.168.0.0', '192.168.255.255'],
  ['224.0.0.1', '239.255.255.255'],
  ['240.0.0.1', '255.255.255.255'],
].flat()
const outside4 = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
]
const further4 = ['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0']
const last4 = ['198.18.0.7', '223.255.255.255']

const insideOf = (addresses: readonly string[]) => addresses.filter(isInsideAddress)

test('addresses of this machine and its networks are told from those of anybody, in IPv4', () => {
  assert.deepEqual(insideOf(inside4), inside4)
  assert.deepEqual(insideOf([...outside4, ...further4, ...last4]), [])
})

test('and in IPv6, however they are written', () => {
  const inside = ['::', '::1', '0:0:0:0:0:0:0:1', '::7f00:1', 'fc00::1', 'fd12:3456::1', 'fdff:ffff::1']
  const further = ['fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', 'FF0E::1', '2002:7f00:1::1']
  const tunnels = ['2001:0:1::1', '2002:808:808::1', '64:ff9b:1::1']
  const all = [...inside, ...further, ...tunnels]
  assert.deepEqual(insideOf(all), all)
  assert.deepEqual(insideOf(['2606:4700::1111', '2001:4860:4860::8888', '2a02::1', 'fbff::1', '2003::1']), [])
})

test('an IPv4 address within one of IPv6 is judged as itself', () => {
  const within = (address: string) => [`::ffff:${address}`, `::ffff:0:${address}`, `64:ff9b::${address}`]
  const inside = [...inside4.flatMap(within), '::ffff:7f00:1', '0:0:0:0:0:FFFF:0a00:0001', '64:ff9b::a9fe:a9fe']
  assert.deepEqual(insideOf(inside), inside)
  assert.deepEqual(insideOf([...outside4, ...further4].flatMap(within)), [])
})

test('what is no address is trusted with nothing', () => {
  const texts = ['', 'localhost', 'example.com', '127.1', '1.2.3.4.5', '256.1.1.1', '%eth0', ':::', '08.8.8.8']
  assert.deepEqual(insideOf(texts), texts)
})
