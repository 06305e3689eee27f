import type { ChatOptions } from 'lmapp-kit'
import { toFields } from '../../../output/table.ts'
import { chatOptionKeys, parseChatOptions } from '../../chat-options.ts'
import type { Chat, Completion, SlashCommand } from '../chat.ts'

export const setCommand: SlashCommand = {
  name: 'set',
  operand: '[KEY [VALUE|off]]',
  help: 'shows, sets and unsets how answers are made: temperature, seed …',
  async run(chat, operand) {
    const [, key = '', value = ''] = /^([^\s=]*)[\s=]*([\s\S]*)$/.exec(operand) ?? []
    if (key === '') await showAll(chat)
    else if (value === '') await showOne(chat, key)
    else if (value === 'off') await unset(chat, key)
    else await set(chat, key, value)
    return undefined
  },
  complete: async ({ turns }, typed) => completeKey(turns.options, typed),
}

async function showAll({ context: { stdout }, turns, say }: Chat): Promise<void> {
  const fields = Object.entries(chatOptionKeys).map(([name, key]): [string, string] => [
    name,
    toShown(turns.options[key]) ?? '-',
  ])
  await stdout.write(toFields(fields, stdout.columns))
  await say('- is left to the model. Another value: /set KEY VALUE; back to that: /set KEY off')
}

async function showOne({ turns, say }: Chat, name: string): Promise<void> {
  const value = toShown(turns.options[toKey(name)])
  await say(value === undefined ? `${name} is not set: it is left to the model.` : `${name} is ${value}.`)
}

async function unset({ turns, say }: Chat, name: string): Promise<void> {
  const { [toKey(name)]: _, ...others } = turns.options
  turns.useOptions(others)
  await say(`${name} is left to the model from now on.`)
}

async function set({ turns, say }: Chat, name: string, value: string): Promise<void> {
  turns.useOptions({ ...turns.options, ...parseChatOptions([`${name}=${value}`], '/set') })
  await say(`${name} is ${toShown(turns.options[toKey(name)])} from now on.`)
}

/** Throws what is said of a key that there is not, with the nearest. */
function toKey(name: string): keyof ChatOptions {
  const key = Object.hasOwn(chatOptionKeys, name) ? chatOptionKeys[name] : undefined
  if (key === undefined) parseChatOptions([`${name}=1`], '/set')
  return key ?? 'temperature'
}

function toShown(value: ChatOptions[keyof ChatOptions]): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'number' ? String(value) : value.map((text) => JSON.stringify(text)).join(', ')
}

function completeKey(options: ChatOptions, typed: string): Completion {
  const fitting = Object.entries(chatOptionKeys).filter(([name]) => name.startsWith(typed))
  const candidates = fitting.map(([name, key]) => {
    const hint = toShown(options[key])
    return { insert: `${name} `, label: name, ...(hint !== undefined && { hint }) }
  })
  return { candidates }
}
