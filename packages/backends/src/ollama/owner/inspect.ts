import { type CallOptions, isLmappError, type LmappError } from 'lmapp-kit'
import type { ExternalDefinition } from '../../external/index.ts'
import { findKeeper, type Keeper } from './keeper.ts'
import type { Machine } from './machine.ts'
import type { Survey } from './survey.ts'

/** What a look at the machine tells of an Ollama; see `Inspection` of the core. */
export interface OllamaInspection {
  owner: 'lmapp' | 'external'
  managedBy?: string
  restart?: string
  program?: string
  startable: boolean
  problem?: Problem
}

interface Problem {
  message: string
  mend: string
}

export interface InspectOptions {
  definition: ExternalDefinition
  machine: Machine
  survey: Survey
  /** Of one of our own: whether it runs, and why the last one ended. */
  own: { running: boolean; failure: string | undefined }
  /** Proves who listens at the address. */
  identify(call?: CallOptions): Promise<void>
}

export async function inspectOllama(options: InspectOptions): Promise<OllamaInspection> {
  const { survey, own, definition } = options
  const found = { ...(survey.program !== undefined && { program: survey.program }), startable: survey.startable }
  if (own.running) return { owner: 'lmapp', ...found, ...withProblem(toAddressProblem(definition, survey)) }
  const failure = await failureOf(options)
  const problem = toAddressProblem(definition, survey) ?? (failure && (await toProblem(options, failure)))
  if (!survey.isLocal || !failure || !isNobody(failure)) {
    const isOllama = !failure || failure.code === 'forbidden'
    const keeper = survey.isLocal && isOllama ? toNamed(await findKeeper(options.machine)) : {}
    return { owner: 'external', ...keeper, ...found, startable: false, ...withProblem(problem) }
  }
  const { manager } = survey
  return {
    owner: survey.startable ? 'lmapp' : 'external',
    ...(manager && toNamed(manager)),
    ...found,
    ...withProblem(problem),
  }
}

function toNamed({ managedBy, restart }: Keeper): Pick<OllamaInspection, 'managedBy' | 'restart'> {
  return { managedBy, ...(restart !== undefined && { restart }) }
}

function isNobody({ code, details }: LmappError): boolean {
  return code === 'backend-unreachable' && details?.reason === 'ECONNREFUSED'
}

function withProblem(problem: Problem | undefined): { problem?: Problem } {
  return problem ? { problem } : {}
}

function toAddressProblem({ config }: ExternalDefinition, { addressProblem }: Survey): Problem | undefined {
  if (addressProblem === undefined) return undefined
  const isConfigured = config.url !== undefined
  return {
    message: `${isConfigured ? 'Its url' : 'OLLAMA_HOST'} cannot be read: ${addressProblem}`,
    mend: isConfigured ? 'lmapp config edit' : 'export OLLAMA_HOST=127.0.0.1:11434',
  }
}

/** Undefined when Ollama answers. */
async function failureOf({ identify }: InspectOptions): Promise<LmappError | undefined> {
  try {
    await identify()
    return undefined
  } catch (error) {
    if (isLmappError(error)) return error
    throw error
  }
}

async function toProblem(options: InspectOptions, failure: LmappError): Promise<Problem | undefined> {
  const { definition, survey } = options
  if (failure.code === 'forbidden') return toGuardProblem(definition, survey)
  if (!survey.isLocal || !isNobody(failure)) return { message: failure.message, mend: toMend(failure) }
  return toAbsence(options)
}

/** A hint names what to do, mostly after a word or two. */
function toMend({ hint }: LmappError): string {
  return /: (\S.*)$/.exec(hint)?.[1] ?? hint
}

/** Ollama refuses requests under names that it does not know, which keeps web pages from it. */
function toGuardProblem({ id = 'ollama' }: ExternalDefinition, { url }: Survey): Problem {
  const { hostname, port } = new URL(url)
  return {
    message: `Ollama refuses requests under the name ${hostname}: it takes localhost, its own name and IP addresses.`,
    mend: `lmapp config set backends.${id}.url http://IP-ADDRESS:${port}`,
  }
}

/** Nothing listens there, on this machine. */
async function toAbsence({ definition, machine, survey, own }: InspectOptions): Promise<Problem | undefined> {
  const { manager, program, startable } = survey
  if (manager?.unit && (await machine.unitState('ollama.service', manager.unit)) === 'failed') {
    const journal = manager.unit === 'user' ? 'journalctl --user -u ollama' : 'journalctl -u ollama'
    return { message: `ollama.service has failed; why, says: ${journal}`, mend: manager.restart ?? '' }
  }
  if (manager?.start !== undefined) {
    return { message: `It is installed and managed by ${manager.managedBy}, but does not run.`, mend: manager.start }
  }
  if (startable) {
    const { id = 'ollama' } = definition
    return own.failure === undefined ? undefined : { message: own.failure, mend: `lmapp backends logs ${id}` }
  }
  if (program !== undefined) return { message: 'It is installed, but does not run.', mend: 'ollama serve' }
  const isWanted = definition.config.url !== undefined || definition.environment.OLLAMA_HOST !== undefined
  return isWanted ? { message: 'It is not installed.', mend: 'See https://ollama.com/download' } : undefined
}
