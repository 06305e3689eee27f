import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExitReport } from '../../processes/index.ts'
import { findByNonce } from '../../processes/own-processes.ts'
import { askIsRunning, askUsual, beginLong } from '../ask.ts'
import type { Judge, Proof } from '../judge.ts'
import { NotApplicable } from '../not-applicable.ts'
import { describeProcess, isDead, readCommandLine } from '../processes-of-linux.ts'
import { within } from '../wire/wait.ts'
import type { Wire } from '../wire/wire.ts'

export const processProofs = {
  'process.stdin-end': async (judge) => {
    const wire = await judge.openStarted()
    await askIsRunning(judge, wire)
    wire.endInput()
    assertWell(await endOf(judge, wire, 'after the end of its stdin'))
  },

  'process.stdin-end-in-chat': async (judge) => {
    const wire = await judge.openStarted()
    await beginLong(judge, wire)
    wire.endInput()
    assertWell(await endOf(judge, wire, 'after the end of its stdin, in mid-chat'))
  },

  'process.sigterm': async (judge) => {
    if (process.platform === 'win32') throw new NotApplicable('Windows has no SIGTERM')
    const wire = await judge.openStarted()
    await askIsRunning(judge, wire)
    process.kill(wire.pid, 'SIGTERM')
    const { exitCode, signal } = await endOf(judge, wire, 'after SIGTERM')
    assert.ok(exitCode === 0 || signal === 'SIGTERM', `It ended with ${signal ?? `exit code ${exitCode}`}.`)
  },

  'process.no-child-left': async (judge) => {
    assertLinux()
    const wire = await judge.openStarted()
    await askUsual(judge, wire)
    const left = await whatOutlives(judge, wire)
    assert.deepEqual(left, [], 'It left processes behind.')
  },

  'process.killed': async (judge) => {
    const wire = await judge.openStarted()
    await beginLong(judge, wire)
    wire.kill()
    await wire.ended
    await waitUntil(async () => (await findByNonce(wire.nonce)).length === 0, childrenMs)
    const left = await Promise.all((await findByNonce(wire.nonce)).map(describeProcess))
    assert.deepEqual(left, [], 'Processes are left after the kill.')
    const next = await judge.openStarted({ dataDir: wire.dataDir })
    await askUsual(judge, next)
  },
} satisfies Record<string, Proof>

/** Time for children to notice that it has gone. */
const childrenMs = 1000

async function endOf({ timeouts }: Judge, wire: Wire, when: string): Promise<ExitReport> {
  return await within(timeouts.exitMs, wire.ended, `end of the process ${when}`)
}

function assertWell({ exitCode, signal }: ExitReport): void {
  assert.equal(exitCode, 0, `It ended with ${signal ?? `exit code ${exitCode}`}, where 0 was due.`)
}

export function assertLinux(): void {
  if (process.platform !== 'linux') throw new NotApplicable('only Linux tells whose child a process is')
}

/**
 * What is left of a process that was asked to end. lmapp's guard, the shell around it, would end that too: so it is
 * stopped while we look.
 */
async function whatOutlives(judge: Judge, wire: Wire): Promise<string[]> {
  const guard = await readCommandLine(wire.pid)
  const plugins = await pluginsOf(wire, guard)
  process.kill(wire.pid, 'SIGSTOP')
  try {
    wire.endInput()
    const [plugin = 0] = plugins
    await waitUntil(() => isDead(plugin), judge.timeouts.exitMs)
    assert.ok(await isDead(plugin), `It does not end within ${judge.timeouts.exitMs} ms.`)
    const isAlone = async () => (await pluginsOf(wire, guard)).length === 0
    await waitUntil(isAlone, childrenMs)
    return await Promise.all((await pluginsOf(wire, guard)).map(describeProcess))
  } finally {
    process.kill(wire.pid, 'SIGCONT')
  }
}

/** The plugin's own process first, then what it started. Not those of the guard, nor what is dead. */
async function pluginsOf(wire: Wire, guard: string): Promise<number[]> {
  const found = (await findByNonce(wire.nonce)).sort((left, right) => left - right)
  const kept: number[] = []
  for (const pid of found) if ((await readCommandLine(pid)) !== guard && !(await isDead(pid))) kept.push(pid)
  return kept
}

async function waitUntil(isSo: () => Promise<boolean>, milliseconds: number): Promise<void> {
  const until = Date.now() + milliseconds
  while (Date.now() < until && !(await isSo())) await delay(10)
}
