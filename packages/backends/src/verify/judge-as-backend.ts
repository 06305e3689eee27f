import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { untilAborted } from 'lmapp-kit'
import { type BackendHarness, type RequirementId, requirements, verifyBackend } from 'lmapp-kit/testkit'
import { createSubprocessBackend } from '../plugins/index.ts'
import type { Judge } from './judge.ts'
import type { PluginVerdict } from './verdict.ts'

/** The kit's own suite, over the host that lmapp has. */
export async function* judgeAsBackend(
  judge: Judge,
  only: readonly RequirementId[],
  signal: AbortSignal | undefined,
): AsyncGenerator<PluginVerdict, void, undefined> {
  if (only.length === 0) return
  const wasTold = judge.unusable !== undefined
  const failure = wasTold ? undefined : await untilAborted(whyUnusable(judge), signal)
  if (judge.unusable !== undefined) yield* toUnusable(only, judge.unusable, failure)
  else yield* untilStopped(verifyBackend(await toHarness(judge), { only }), signal)
}

/** A suite that waits for its deadline at each chat would take hours: what cannot chat at all is not begun with. */
async function whyUnusable(judge: Judge): Promise<unknown> {
  try {
    await judge.usual()
    return undefined
  } catch (error) {
    return error
  } finally {
    await judge.endProof(false)
  }
}

/** The first says why, unless that was said before; for the others there is nothing to judge. */
function* toUnusable(only: readonly RequirementId[], reason: string, failure: unknown): Generator<PluginVerdict> {
  let error = failure
  for (const requirement of requirements.filter(({ id }) => only.includes(id))) {
    if (error === undefined) yield { requirement, outcome: 'not-applicable', reason }
    else yield { requirement, outcome: 'failed', error }
    error = undefined
  }
}

async function* untilStopped(
  verdicts: AsyncGenerator<PluginVerdict, void, undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<PluginVerdict, void, undefined> {
  try {
    for (;;) {
      const next = await untilAborted(verdicts.next(), signal)
      if (next.done) return
      yield next.value
    }
  } finally {
    const ended = verdicts.return().catch(() => {})
    await (signal?.aborted ? Promise.race([ended, delay(stopMs)]) : ended)
  }
}

/** Its processes are killed: what still goes on has nothing to wait for. */
const stopMs = 500

async function toHarness(judge: Judge): Promise<BackendHarness> {
  const { settings, folder, ...options } = judge.options
  const { config = {}, secrets = {}, prompts: _, skip = [], ...others } = settings
  let opened = 0
  return {
    ...others,
    name: judge.manifest.name,
    model: await judge.model(),
    prompts: judge.prompts,
    skip: skip.flatMap(({ requirement, reason }) => {
      const known = requirements.find(({ id }) => id === requirement)
      return known ? [{ requirement: known.id, reason }] : []
    }),
    open: async () =>
      createSubprocessBackend({
        ...options,
        ...{ config, secrets },
        dataDir: join(folder, `backend-${++opened}`),
        logFile: join(folder, 'backend.log'),
        records: options.processes.records,
      }),
  }
}
