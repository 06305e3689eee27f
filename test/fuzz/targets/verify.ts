import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chooseRequirements, verifyPlugin } from '@lmapp/backends/verify'
import { isLmappError, requiredMethods } from 'lmapp-kit'
import type { Random } from '../../soak/random.ts'
import { type Input, type OpenTarget, type Target, Wrong } from '../target.ts'

/**
 * `lmapp backends verify`, judging a plugin whose lines are mutated: the first text is its seed, the second the requirement.
 * Whatever it does: there is one verdict, in time, and no process is left.
 */
export const verify: Target = { name: 'verify', share: 0.15, lanes: 2, open: openVerify }

const hangMs = 60_000
const timeouts = {
  ...{ helloMs: 20_000, healthMs: 500, callMs: 500, workMs: 500, cancelMs: 500, exitMs: 500, terminateMs: 500 },
}

async function openVerify(): Promise<OpenTarget> {
  const ids = chooseRequirements(undefined).map(({ id }) => id)
  return {
    create: (random: Random) => [String(random.below(1_000_000)), random.oneOf(ids)],
    check,
    async [Symbol.asyncDispose]() {},
  }
}

async function check([seed = '', id = '']: Input): Promise<void> {
  if (seed === '' || !chooseRequirements(undefined).some((requirement) => requirement.id === id)) return
  const signal = AbortSignal.timeout(hangMs)
  const verdicts = await Array.fromAsync(
    verifyPlugin({
      directory: fileURLToPath(new URL('../fixtures', import.meta.url)),
      manifest: {
        ...{ name: 'example', version: '0.1.0', language: 'node', interface_version: '1.0', execution: 'subprocess' },
        methods: [...requiredMethods, 'pull_model'],
        command: ['node', '--conditions=lmapp-source', 'mutant.ts', seed],
      },
      settings: { model: 'echo', deadlineMs: 2000 },
      environment: process.env,
      timeouts,
      only: [id],
      signal,
    }),
  ).catch((error: unknown) => {
    if (signal.aborted) throw new Wrong(`it does not end: ${id}`)
    throw error
  })
  assert.equal(verdicts.length, 1)
  await untilNoneIsLeft(seed)
  for (const verdict of verdicts) {
    if (verdict.outcome !== 'failed') continue
    const { error } = verdict
    assert.ok(error instanceof Error && error.message !== '', 'it does not say why')
    if (isLmappError(error)) JSON.stringify(error.toData())
  }
}

async function untilNoneIsLeft(seed: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (isRunning(seed)) {
    if (Date.now() > deadline) throw new Wrong('a process is left')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Only Linux tells it so simply. */
function isRunning(seed: string): boolean {
  if (process.platform !== 'linux') return false
  return globSync('/proc/[0-9]*/cmdline').some((file) => {
    try {
      return readFileSync(file, 'utf8').includes(`mutant.ts\0${seed}\0`)
    } catch {
      return false
    }
  })
}
