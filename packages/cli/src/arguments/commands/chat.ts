import type { CommandSpec } from '../command-spec.ts'
import { answerOptions, modelOption, plainOption, settingOption } from './shared-options.ts'

export const chatCommand: CommandSpec = {
  name: 'chat',
  summary: 'asks, or opens the interactive chat when there is nothing to ask',
  operands: ['[PROMPT…]'],
  options: [
    modelOption,
    { name: 'continue', short: 'c', help: "goes on in this terminal's last conversation" },
    { name: 'conversation', value: 'ID', help: 'goes on in this conversation' },
    { name: 'system', short: 's', value: 'TEXT', help: 'the system prompt' },
    { name: 'persona', value: 'NAME', later: true, help: 'a configured persona' },
    {
      name: 'file',
      short: 'f',
      value: 'PATH',
      repeatable: true,
      help: 'text, PDF, image or folder to go with it; - is stdin',
    },
    settingOption,
    { name: 'schema', value: 'FILE', help: 'a JSON Schema that the answer satisfies, or "name, age int, tags[]"' },
    { name: 'extract', short: 'x', help: 'only the first code block of the answer' },
    { name: 'no-save', short: 'n', help: 'nothing is written to the history' },
    { name: 'yes', short: 'y', help: 'agrees beforehand to what would be asked' },
    plainOption,
    ...answerOptions,
  ],
  load: async () => (await import('../../commands/chat.ts')).chat,
}
