import { randomUUID } from 'node:crypto'
import type { ImportMessage } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { type FollowedRun, leavingCode } from '../../follow-run.ts'
import type { Chat, SlashCommand } from '../chat.ts'
import type { TurnsRead } from '../chat-turns.ts'
import { toMessage } from '../unsaved-turns.ts'

export const compactCommand: SlashCommand = {
  name: 'compact',
  help: 'goes on in a new conversation that begins with a summary of this one',
  async run(chat) {
    const { turns } = chat
    const before = await turns.read()
    if (!turns.hasAnswer) throw new LmappError('bad-input', 'There is nothing to summarize yet.')
    await chat.say('The model writes a summary of what was said:')
    const followed = await turns.askAside([{ type: 'text', text: request }])
    if (followed.end?.state !== 'complete' || followed.text.trim() === '') {
      await chat.say('There is no whole summary, so the conversation stays as it was.')
      return leavingCode(followed)
    }
    await goOnWith(chat, before, toSummary(followed))
    return undefined
  },
}

const request =
  'Summarize our conversation so far, so that we can go on from your summary alone. Keep names, numbers, decisions, ' +
  'code that still matters and open questions. Write only the summary.'
/** What stands in the new conversation: nothing there is to be summarized again. */
const opening = 'Summarize our conversation so far, so that we can go on from there.'

function toSummary({ text, model, end }: FollowedRun): ImportMessage[] {
  const question = { ...toMessage('user', [{ type: 'text', text: opening }]), state: 'complete' as const }
  const summary = toMessage('assistant', [{ type: 'text', text }])
  return [
    question,
    {
      ...summary,
      state: 'complete',
      parentId: question.id,
      model: model ?? null,
      usage: end?.usage ?? null,
      timings: end?.timings ?? null,
    },
  ]
}

async function goOnWith({ turns, say }: Chat, before: TurnsRead, messages: ImportMessage[]): Promise<void> {
  if (!turns.isSaved) {
    turns.replaceUnsaved(messages)
    return say('The chat goes on from the summary; what was before it is gone, for nothing is kept.')
  }
  const client = await turns.client()
  const now = new Date().toISOString()
  const id = randomUUID()
  const { title, system } = before
  const head = messages.at(-1)?.id ?? null
  const model = turns.model ?? before.model
  const conversation = {
    id,
    title,
    system: turns.system ?? system,
    model,
    head,
    createdAt: now,
    updatedAt: now,
    messages,
  }
  await client.importConversations({ conversations: [conversation] })
  const wanted = turns.model
  turns.goTo(await client.getConversation(id))
  if (wanted !== undefined) turns.useModel(wanted)
  await say(`A new conversation goes on from the summary. The old one stays as it was: /open ${before.id}`)
}
