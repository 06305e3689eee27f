import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { openaiCompatibleBackendType } from '@lmapp/backends/openai-compatible'
import { parseConfig } from '@lmapp/core/config'

const page = 'docs/cluster.md'
const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
const blocks = [...text.matchAll(/^```jsonc\n(.*?)^```$/gms)].map(([, block]) => block ?? '')

describe(page, () => {
  it('has a configuration for each engine, and one for two together', () => {
    assert.equal(blocks.length, 4)
    assert.ok(text.split('\n').length <= 150)
  })

  for (const [index, block] of blocks.entries()) {
    it(`shows a configuration that is valid, number ${index + 1}`, async () => {
      const { config, problems } = parseConfig(block, page)
      assert.deepEqual(problems, [])
      const backends = Object.entries(config.backends)
      assert.ok(backends.length > 0)
      for (const [id, backend] of backends) {
        assert.equal(backend.type, openaiCompatibleBackendType.name)
        await using created = openaiCompatibleBackendType.create(
          { id, config: backend, environment: {} },
          { timeouts: config.timeouts },
        )
        assert.ok(created)
      }
      const named = [config.model, ...Object.values(config.aliases).flat()].filter((name) => name?.includes('/'))
      for (const name of named) assert.ok(config.backends[name?.split('/')[0] ?? ''], `${name} names no backend`)
    })
  }
})
