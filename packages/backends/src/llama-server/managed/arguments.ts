import type { MemoryPlan } from '../../model-processes/index.ts'
import type { ProgramFacts } from './program-facts.ts'
import type { UserArguments } from './user-arguments.ts'

/** Where a server is to listen; port 0 is any free one. */
export type ListenAt = { socketPath: string } | { port: number }

export interface ServerArguments {
  facts: Pick<ProgramFacts, 'flags'>
  user: UserArguments
  /** Undefined where the program has its model in itself. */
  modelPath: string | undefined
  /** What the server shall call it. */
  alias: string
  plan: Pick<MemoryPlan, 'contextLength' | 'slots'>
  listenAt: ListenAt
  threads: number
  /** The model only embeds. */
  embeds: boolean
}

/** The arguments of llama-server. An option that its `--help` does not name is not sent; the user's own win. */
export function toServerArguments(options: ServerArguments): string[] {
  const { facts, user, plan, embeds } = options
  const total = plan.contextLength * plan.slots
  const ours: [names: string[], value?: string][] = [
    ...(options.modelPath === undefined ? [] : ([[['-m', '--model'], options.modelPath]] as [string[], string][])),
    [['-a', '--alias'], options.alias],
    ...toListen(options),
    [['-c', '--ctx-size'], `${total}`],
    [['-np', '--parallel'], `${plan.slots}`],
    [['-t', '--threads'], `${options.threads}`],
    [['--cache-ram', '-cram'], '0'],
    [['--cors-origins'], 'localhost'],
    [['--offline']],
    [['--no-ui', '--ui']],
    [['--no-webui', '--webui']],
    [['--jinja', '--no-jinja']],
    ...(embeds ? toEmbedding(plan.contextLength) : []),
  ]
  const known = ours.filter(([names]) => isAlways(names) || names.some((name) => facts.flags.has(name)))
  const wanted = known.filter(([names]) => !user.has(...names))
  return [
    ...withoutOldName(wanted).flatMap(([[name = ''], value]) => (value === undefined ? [name] : [name, value])),
    ...user.all,
  ]
}

/** These are as old as the server itself, and a start without them would be another one. */
function isAlways([name]: string[]): boolean {
  return ['-m', '-a', '--host', '--port', '-c', '-np', '-t'].includes(name ?? '')
}

/** The user's own address is left as it is. */
function toListen({ listenAt, user }: ServerArguments): [string[], string?][] {
  if (user.has('--host', '--port')) return []
  if ('socketPath' in listenAt) return [[['--host'], listenAt.socketPath]]
  return [
    [['--host'], '127.0.0.1'],
    [['--port'], `${listenAt.port}`],
  ]
}

/** A text is embedded in one batch. */
function toEmbedding(contextLength: number): [string[], string?][] {
  return [
    [['--embeddings', '--embedding']],
    [['-b', '--batch-size'], `${contextLength}`],
    [['-ub', '--ubatch-size'], `${contextLength}`],
  ]
}

/** The page has two names where both are known. */
function withoutOldName(ours: [string[], string?][]): [string[], string?][] {
  const isNew = ours.some(([[name]]) => name === '--no-ui')
  return ours.filter(([[name]]) => !(isNew && name === '--no-webui'))
}
