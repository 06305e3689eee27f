import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Manifest, untilAborted } from 'lmapp-kit'
import { defaultPrompts, requirements } from 'lmapp-kit/testkit'
import { defaultTimeouts, type SubprocessTimeouts } from '../plugins/index.ts'
import { chooseRequirements } from './choose-requirements.ts'
import { Judge } from './judge.ts'
import { judgeAsBackend } from './judge-as-backend.ts'
import { judgeLine } from './judge-line.ts'
import { lineRequirements } from './requirements.ts'
import { createRunningProcesses, type RunningProcesses } from './running-processes.ts'
import type { VerifySettings } from './settings.ts'
import type { PluginVerdict } from './verdict.ts'
import { createFindings } from './wire/findings.ts'

export interface VerifyPluginOptions {
  /** The manifest's folder. */
  directory: string
  manifest: Manifest
  settings?: VerifySettings
  /** Where allow-listed variables are taken from. */
  environment: Readonly<Record<string, string | undefined>>
  /** Where the command's program is `node`. Default: the Node that runs this. */
  execPath?: string
  /** Full paths of what bare program names in the command stand for. */
  programs?: Readonly<Record<string, string>>
  /** What a host waits for. Default: what lmapp waits for. */
  timeouts?: Partial<SubprocessTimeouts>
  /** Ids, or what stands before their dots. */
  only?: readonly string[]
  signal?: AbortSignal
}

/**
 * Judges a plugin of any language: a verdict for each requirement, as it is found. It touches nothing of the user's, and
 * leaves no process and no file. Throws `bad-input` for a name in `only` that means nothing, and the reason of `signal`.
 */
export async function* verifyPlugin(options: VerifyPluginOptions): AsyncGenerator<PluginVerdict, void, undefined> {
  const { signal } = options
  const chosen = new Set(chooseRequirements(options.only).map(({ id }) => id))
  signal?.throwIfAborted()
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-verify-'))
  const processes = createRunningProcesses()
  const judge = createJudge(options, folder, processes)
  const endAll = () => void processes[Symbol.asyncDispose]()
  signal?.addEventListener('abort', endAll, { once: true })
  try {
    for (const requirement of lineRequirements) {
      if (chosen.has(requirement.id)) yield await untilAborted(judgeLine(judge, requirement), signal)
    }
    await judge.endProof(true)
    const ofBackend = requirements.map(({ id }) => id).filter((id) => chosen.has(id))
    yield* judgeAsBackend(judge, ofBackend, signal)
  } finally {
    signal?.removeEventListener('abort', endAll)
    await processes[Symbol.asyncDispose]()
    await judge[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

function createJudge(options: VerifyPluginOptions, folder: string, processes: RunningProcesses): Judge {
  const { manifest, directory, environment, settings = {}, execPath = process.execPath, programs = {} } = options
  return new Judge({
    ...{ manifest, directory, environment, settings, execPath, programs, folder, processes },
    prompts: { ...defaultPrompts, ...settings.prompts },
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    findings: createFindings(),
  })
}
