import type { CommandSpec } from '../command-spec.ts'
import { json, uselessYes } from './shared-options.ts'

export const historyCommand: CommandSpec = {
  name: 'history',
  summary: 'what was said: list, read, search, export',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'history list',
      summary: 'the conversations, newest first',
      operands: [],
      options: [json, { name: 'limit', short: 'l', value: 'N', help: 'at most so many (30; with --json: all)' }],
      load: async () => (await import('../../commands/history.ts')).listHistory,
    },
    {
      name: 'history show',
      summary: 'one conversation; ID of it or of a message, or the beginning of one',
      operands: ['ID'],
      options: [json],
      load: async () => (await import('../../commands/history.ts')).showHistory,
    },
    {
      name: 'history search',
      summary: 'messages that hold these words',
      operands: ['WORDS…'],
      options: [json, { name: 'limit', short: 'l', value: 'N', help: 'at most so many (20)' }],
      load: async () => (await import('../../commands/history.ts')).searchHistory,
    },
    {
      name: 'history rename',
      summary: 'gives it another title',
      operands: ['ID', 'TITLE…'],
      options: [json],
      load: async () => (await import('../../commands/history.ts')).renameHistory,
    },
    {
      name: 'history delete',
      summary: 'deletes it for good',
      operands: ['ID…'],
      options: [json, uselessYes],
      load: async () => (await import('../../commands/history.ts')).deleteHistory,
    },
    {
      name: 'history export',
      summary: 'as Markdown or JSON; without an ID: all of them',
      operands: ['[ID…]'],
      options: [
        json,
        { name: 'format', value: 'markdown|json', help: "default: the output file's ending, else Markdown" },
        { name: 'output', short: 'o', value: 'FILE', help: 'instead of stdout' },
      ],
      load: async () => (await import('../../commands/export-history.ts')).exportHistory,
    },
    { name: 'history import', summary: 'comes in a later version', operands: ['FILE'], options: [] },
    { name: 'history fork', summary: 'comes in a later version', operands: ['ID'], options: [] },
  ],
}
