import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { it } from 'node:test'
import { howToReach } from './how-to-reach.ts'

it('says what to give to clients', () => {
  const text = howToReach({ address: 'http://127.0.0.1:5627', needsKey: false, own: ['192.168.1.7'] })
  assert.match(text, /http:\/\/127\.0\.0\.1:5627\/v1 for OpenAI clients, http:\/\/127\.0\.0\.1:5627 for those/)
  assert.match(text, /any will do/)
  assert.doesNotMatch(text, /192/)
})

it('names addresses at which other machines find a service that is open at all of them', () => {
  const own = ['192.168.1.7', 'fd00::7']
  for (const host of ['0.0.0.0', '[::]']) {
    const text = howToReach({ address: `http://${host}:5627`, needsKey: true, own })
    assert.match(text, /http:\/\/127\.0\.0\.1:5627\/v1/)
    assert.match(text, /From other machines: http:\/\/192\.168\.1\.7:5627 http:\/\/\[fd00::7\]:5627\n/)
    assert.match(text, /lmapp keys create NAME/)
    assert.ok(!text.includes(host))
  }
})

it('knows the addresses of this machine', () => {
  const text = howToReach({ address: 'http://0.0.0.0:1', needsKey: true })
  const [, far = ''] = /From other machines: (.*)/.exec(text) ?? []
  for (const url of far.split(' ').filter(Boolean)) assert.ok(isIP(new URL(url).hostname.replace(/[[\]]/g, '')))
})
