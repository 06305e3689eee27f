import type { KeptPrompt, RunRequest } from '@lmapp/core/runs'
import type { ChatOptions, Message, ToolChoice, ToolDefinition } from 'lmapp-kit'
import { owner } from '../access/principal.ts'
import { badField } from '../parse/fields.ts'
import type { Context } from '../routes/route.ts'

/** What a client of another API asks, in lmapp's words. */
export interface Ask {
  /** Model reference; absent: the configured default, else what is found. */
  model?: string
  /** The whole prompt. When the last one is an assistant's, the answer goes on from it. */
  messages: Message[]
  options?: ChatOptions
  tools?: ToolDefinition[]
  toolChoice?: ToolChoice
  schema?: Record<string, unknown>
  reasoning?: boolean | 'low' | 'medium' | 'high'
}

/** What headers say besides. */
export interface Wishes {
  /** The run goes on when the client leaves, and can be joined at `/lmapp/v1/runs/:id/events`: `x-lmapp-detach`. */
  detached: boolean
  /** The conversation is kept: `x-lmapp-history`, else `serve.history`. */
  kept: boolean
}

export function readWishes({ request, app }: Context): Wishes {
  return {
    detached: readSwitch(request.headers['x-lmapp-detach'], 'x-lmapp-detach') ?? false,
    kept: readSwitch(request.headers['x-lmapp-history'], 'x-lmapp-history') ?? app.serve.history,
  }
}

/** `prompt`: where it is kept. */
export function toRunRequest(
  ask: Ask,
  context: Context,
  { detached, prompt }: { detached: boolean; prompt?: KeptPrompt },
): RunRequest {
  const { principal, caller, app } = context
  return {
    ...ask,
    kind: 'ask',
    ...(prompt ? { kept: prompt, owner: owner.owner } : { owner: principal.owner }),
    save: prompt !== undefined,
    asker: principal.owner,
    client: clientOf(context),
    environment: caller.environment,
    allowFetch: principal.owner === owner.owner || app.serve.allowPull,
    offline: false,
    replay: detached,
  }
}

/** Among whom a busy engine is shared out: keys, and programs of different names. */
export function clientOf({ request: { headers }, principal }: Context): string {
  const named = headers['x-lmapp-client'] ?? headers['user-agent'] ?? ''
  return `${principal.owner} ${String(named).slice(0, 200)}`
}

function readSwitch(value: string | string[] | undefined, header: string): boolean | undefined {
  if (value === undefined) return undefined
  if (value === 'on' || value === 'true' || value === '1') return true
  if (value === 'off' || value === 'false' || value === '0') return false
  throw badField(header, 'on or off')
}
