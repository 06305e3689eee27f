import type { SlashCommand } from '../chat.ts'

export const systemCommand: SlashCommand = {
  name: 'system',
  operand: '[TEXT|off]',
  help: 'the system prompt, or another one from now on',
  async run({ turns, say }, operand) {
    if (operand !== '') turns.useSystem(operand === 'off' ? '' : operand)
    await say(turns.system ? `System prompt: ${turns.system}` : 'There is no system prompt.')
    return undefined
  },
  async complete(_chat, typed) {
    return { candidates: typed !== '' && 'off'.startsWith(typed) ? [{ insert: 'off' }] : [] }
  },
}

export const personaCommand: SlashCommand = {
  name: 'persona',
  operand: '[NAME]',
  help: 'there are none yet',
  async run({ say }) {
    await say(
      'There are no personas yet: a later version has them, under "personas" in the configuration (lmapp config path). Until then: /system TEXT',
    )
    return undefined
  },
}
