import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fixtureSettings, toManifest } from './fixtures/manifest.ts'
import { type WrongPlugin, wrongPlugins } from './fixtures/wrong-plugins.ts'
import { lineRequirements } from './requirements.ts'
import { verifyPlugin } from './verify-plugin.ts'

const directory = join(import.meta.dirname, 'fixtures')

async function judge({ name, caughtBy, manifest, timeouts = {}, deadlineMs = 10_000 }: WrongPlugin) {
  const verdicts = verifyPlugin({
    directory,
    manifest: { ...toManifest(name), ...manifest },
    settings: { ...fixtureSettings, deadlineMs },
    environment: process.env,
    timeouts,
    only: [caughtBy],
  })
  const [verdict, ...others] = await Array.fromAsync(verdicts)
  assert.ok(verdict)
  assert.deepEqual(others, [])
  return verdict
}

describe('a wrong plugin is caught by the requirement meant for it', { concurrency: 3 }, () => {
  for (const wrong of wrongPlugins) {
    it(`${wrong.caughtBy}: ${wrong.name}`, async () => {
      const verdict = await judge(wrong)
      assert.ok(verdict.outcome === 'failed', `It was found ${verdict.outcome}.`)
      assert.ok(verdict.error instanceof Error && !(verdict.error instanceof TypeError), String(verdict.error))
      assert.match(verdict.error.message, wrong.reason)
    })
  }
})

describe('the wrong plugins', () => {
  it('are all in the table', () => {
    const files = readdirSync(join(directory, 'wrong')).map((file) => file.replace('.js', ''))
    assert.deepEqual(files.sort(), [...new Set(wrongPlugins.map(({ name }) => name))].sort())
  })

  it('leave no requirement of the line without one', () => {
    const caught = new Set(wrongPlugins.map(({ caughtBy }) => caughtBy))
    const left = lineRequirements.map(({ id }) => id).filter((id) => !caught.has(id) && !id.startsWith('manifest.'))
    assert.deepEqual(left, [])
  })
})
