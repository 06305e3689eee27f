import type { CommandSpec } from '../command-spec.ts'
import { json, modelOption } from './shared-options.ts'

export const embedCommand: CommandSpec = {
  name: 'embed',
  summary: 'turns texts into vectors',
  operands: ['[TEXT…]'],
  options: [
    modelOption,
    json,
    { name: 'file', short: 'f', value: 'PATH', repeatable: true, help: 'the text of a file; - is stdin' },
    { name: 'lines', short: 'l', help: 'each line of the files or of stdin is a text of its own' },
    { name: 'base64', help: 'vectors as base64 of little-endian float32, not as numbers' },
  ],
  load: async () => (await import('../../commands/embed.ts')).embed,
}
