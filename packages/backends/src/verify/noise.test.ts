import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { toManifest } from './fixtures/manifest.ts'
import { verifyPlugin } from './verify-plugin.ts'

const timeouts = { helloMs: 2000, healthMs: 300, callMs: 300, cancelMs: 300, exitMs: 300 }

describe('a plugin that writes whatever it likes', { concurrency: 4 }, () => {
  for (const seed of [1, 3, 5, 8, 13, 21]) {
    it(`is judged to the end, seed ${seed}`, async () => {
      const verdicts = verifyPlugin({
        directory: join(import.meta.dirname, 'fixtures'),
        manifest: { ...toManifest(), command: ['node', 'noise.js', String(seed)] },
        settings: { deadlineMs: 600 },
        environment: process.env,
        timeouts,
        only: ['hello', 'wire', 'info'],
      })
      const outcomes = (await Array.fromAsync(verdicts)).map(({ outcome }) => outcome)
      assert.ok(outcomes.length > 30)
      assert.ok(outcomes.includes('failed'))
    })
  }
})
