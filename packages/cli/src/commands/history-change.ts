import type { ApiConversation, LmappClient } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine } from '../output/sanitize.ts'

export async function renameHistory(context: CommandContext, args: Arguments): Promise<number> {
  const [id = '', ...words] = args.operands
  const title = words.join(' ')
  assertTitle(title, 'lmapp history rename ID TITLE')
  const renamed = await withService(context, async (client) => {
    const conversation = await client.getConversation(id)
    return client.patchConversation(conversation.id, { title })
  })
  if (args.has('json')) await printJson(context.stdout, { id: renamed.id, title: renamed.title })
  else await context.stdout.write(`${renamed.id} is now called: ${toOneLine(renamed.title)}\n`)
  return 0
}

function assertTitle(title: string, usage: string): void {
  if (title.trim() === '') throw new LmappError('bad-input', 'The title is empty.', { hint: `Give one: ${usage}` })
}

/** From a conversation, or from one message of it: what comes after that is left behind. */
export async function forkHistory(context: CommandContext, args: Arguments): Promise<number> {
  const [id = ''] = args.operands
  const title = args.value('title')
  if (title !== undefined) assertTitle(title, 'lmapp history fork ID --title TITLE')
  const fork = await withService(context, (client) =>
    client.forkConversation(id, { ...(title !== undefined && { title }) }),
  )
  const { head, messageCount } = fork
  if (args.has('json')) await printJson(context.stdout, { id: fork.id, title: fork.title, head, messageCount })
  else await context.stdout.write(`${fork.id} begins where that one was. Go on: lmapp --conversation ${fork.id} "…"\n`)
  return 0
}

export const pinHistory = (context: CommandContext, args: Arguments) => setPinned(context, args, true)
export const unpinHistory = (context: CommandContext, args: Arguments) => setPinned(context, args, false)

async function setPinned(context: CommandContext, args: Arguments, pinned: boolean): Promise<number> {
  const ids = await withService(context, async (client) => {
    const found = await findAll(client, args.operands)
    for (const id of found) await client.patchConversation(id, { pinned })
    return found
  })
  if (args.has('json')) await printJson(context.stdout, { [pinned ? 'pinned' : 'unpinned']: ids })
  else await context.stdout.write(ids.map((id) => `${pinned ? 'Pinned' : 'Unpinned'} ${id}.\n`).join(''))
  return 0
}

export const tagHistory = (context: CommandContext, args: Arguments) =>
  setTags(context, args, (had, given) => [...had, ...given])

export const untagHistory = (context: CommandContext, args: Arguments) =>
  setTags(context, args, (had, given) => had.filter((tag) => !given.includes(tag)))

type Combine = (had: readonly string[], given: readonly string[]) => string[]

async function setTags(context: CommandContext, args: Arguments, combine: Combine): Promise<number> {
  const [id = '', ...given] = args.operands
  if (given.some((tag) => tag.trim() === '')) {
    throw new LmappError('bad-input', 'A tag is empty.', { hint: 'As: lmapp history tag ID work' })
  }
  const changed = await withService(context, async (client): Promise<ApiConversation> => {
    const conversation = await client.getConversation(id)
    return client.patchConversation(conversation.id, { tags: combine(conversation.tags, given) })
  })
  const { tags } = changed
  if (args.has('json')) await printJson(context.stdout, { id: changed.id, tags })
  else {
    const told = tags.length > 0 ? `is tagged: ${toOneLine(tags.join(', '))}` : 'has no tags'
    await context.stdout.write(`${changed.id} ${told}\n`)
  }
  return 0
}

/** All of them, before anything is done with the first; each once. */
export async function findAll(client: LmappClient, given: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const id of given) ids.push((await client.getConversation(id)).id)
  return [...new Set(ids)]
}
