import type { CreateRun, LmappClient } from 'lmapp-client'
import type { Arguments } from '../arguments/parse-arguments.ts'

/** The conversation that was asked for, by the id that the service knows. */
export async function findConversation(
  client: LmappClient,
  args: Arguments,
  { conversation, terminal = '' }: CreateRun,
): Promise<{ conversation?: string }> {
  if (args.has('continue')) return { conversation: (await client.lastConversation(terminal)).id }
  if (conversation !== undefined) return { conversation: (await client.getConversation(conversation)).id }
  return {}
}
