import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOllamaHost } from './ollama-host.ts'

const cases: [value: string | undefined, url: string][] = [
  [undefined, 'http://127.0.0.1:11434'],
  ['', 'http://127.0.0.1:11434'],
  ['  ', 'http://127.0.0.1:11434'],
  ['1.2.3.4', 'http://1.2.3.4:11434'],
  [' "1.2.3.4:8080" ', 'http://1.2.3.4:8080'],
  ["'box'", 'http://box:11434'],
  ['box:5000', 'http://box:5000'],
  [':5000', 'http://127.0.0.1:5000'],
  ['http://box', 'http://box:80'],
  ['http://box:5000', 'http://box:5000'],
  ['https://box', 'https://box:443'],
  ['https://box/ollama', 'https://box:443/ollama'],
  ['https://box:8443/ollama/v2/', 'https://box:8443/ollama/v2'],
  ['box/ollama', 'http://box:11434/ollama'],
  ['ollama.com', 'https://ollama.com:443'],
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
  ['http://0.0.0.0', 'http://127.0.0.1:80'],
  ['::', 'http://[::1]:11434'],
  ['[::]:8080', 'http://[::1]:8080'],
  ['::1', 'http://[::1]:11434'],
  ['[::1]', 'http://[::1]:11434'],
  ['[fe80::1]:8080', 'http://[fe80::1]:8080'],
  ['http://[::1]', 'http://[::1]:80'],
  ['ftp://box', 'ftp://box:11434'],
]

describe('parseOllamaHost', () => {
  for (const [value, url] of cases) {
    it(`reads ${JSON.stringify(value)} as ${url}`, () => assert.deepEqual(parseOllamaHost(value), { url }))
  }

  for (const [value, url, port] of [
    ['box:70000', 'http://box:11434', '70000'],
    ['https://box:http', 'https://box:443', 'http'],
    ['http://box:-1', 'http://box:80', '-1'],
    ['box:', 'http://box:11434', ''],
  ] as const) {
    it(`falls back to the default port for ${value}, and says so`, () => {
      const host = parseOllamaHost(value)
      assert.equal(host.url, url)
      assert.ok(host.problem?.includes(`"${port}"`))
    })
  }
})
