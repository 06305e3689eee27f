import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { findByNonce } from '../../processes/own-processes.ts'
import { assertCancelled, beginLong } from '../ask.ts'
import type { Proof } from '../judge.ts'
import { describeProcess, readCommandLine, readEnvironment } from '../processes-of-linux.ts'
import { hide } from '../wire/read-line.ts'
import { assertSeenNowhere } from './observed.ts'
import { assertLinux } from './process.ts'

export const secretProofs = {
  'secrets.environment': async (judge) => {
    assertLinux()
    const wire = await judge.wire()
    const chat = await beginLong(judge, wire, 1)
    for (const pid of await findByNonce(wire.nonce)) {
      const told = `${await readEnvironment(pid)}\0${await readCommandLine(pid)}`
      const isSafe = !judge.secrets.some((secret) => told.includes(secret))
      assert.ok(
        isSafe,
        `A secret is in the environment or the arguments of ${hide(await describeProcess(pid), judge.secrets)}.`,
      )
    }
    chat.cancel()
    await assertCancelled(judge, chat)
  },

  'secrets.told': async (judge) => {
    await assertSeenNowhere(judge, 'secrets.told')
    const log = await readFile(judge.logFile, 'utf8').catch(() => '')
    const line = log.split('\n').find((text) => judge.secrets.some((secret) => text.includes(secret)))
    assert.ok(line === undefined, `A secret is in its log: ${hide(line ?? '', judge.secrets).slice(0, 200)}`)
  },
} satisfies Record<string, Proof>
