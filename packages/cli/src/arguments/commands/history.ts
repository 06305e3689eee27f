import type { CommandSpec } from '../command-spec.ts'
import { json, uselessYes } from './shared-options.ts'

const loadChanges = () => import('../../commands/history-change.ts')
const loadDeletions = () => import('../../commands/history-delete.ts')

export const historyCommand: CommandSpec = {
  name: 'history',
  summary: 'what was said: list, read, search, order, export',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'history list',
      summary: 'the conversations, pinned ones (*) first, then newest first',
      operands: [],
      options: [
        json,
        { name: 'limit', short: 'l', value: 'N', help: 'at most so many (30; with --json: all)' },
        { name: 'tag', value: 'TAG', help: 'only those that have it' },
        { name: 'pinned', help: 'only those that are pinned' },
      ],
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
      load: async () => (await loadChanges()).renameHistory,
    },
    {
      name: 'history pin',
      summary: 'puts it first in the list, and out of the reach of prune',
      operands: ['ID…'],
      options: [json],
      load: async () => (await loadChanges()).pinHistory,
    },
    {
      name: 'history unpin',
      summary: 'takes the pin away',
      operands: ['ID…'],
      options: [json],
      load: async () => (await loadChanges()).unpinHistory,
    },
    {
      name: 'history tag',
      summary: 'adds tags to it',
      operands: ['ID', 'TAG…'],
      options: [json],
      load: async () => (await loadChanges()).tagHistory,
    },
    {
      name: 'history untag',
      summary: 'removes tags from it',
      operands: ['ID', 'TAG…'],
      options: [json],
      load: async () => (await loadChanges()).untagHistory,
    },
    {
      name: 'history fork',
      summary: 'a copy that goes another way; from a message: up to that one',
      operands: ['ID'],
      options: [json, { name: 'title', value: 'TITLE', help: 'of the copy (the same)' }],
      load: async () => (await loadChanges()).forkHistory,
    },
    {
      name: 'history delete',
      summary: 'deletes it for good, with all its branches',
      operands: ['ID…'],
      options: [json, uselessYes],
      load: async () => (await loadDeletions()).deleteHistory,
    },
    {
      name: 'history prune',
      summary: 'deletes what was not used for long; what is pinned stays',
      operands: [],
      options: [
        json,
        { name: 'older-than', value: 'AGE', help: 'as 90d: hours h, days d, weeks w, years y' },
        { name: 'tag', value: 'TAG', help: 'only those that have it' },
        { name: 'dry-run', help: 'only shows what would be deleted' },
        { name: 'yes', short: 'y', help: 'does not ask' },
      ],
      load: async () => (await loadDeletions()).pruneHistory,
    },
    {
      name: 'history vacuum',
      summary: 'gives the space of what was deleted back, and removes older copies of the file',
      operands: [],
      options: [json],
      load: async () => (await loadDeletions()).vacuumHistory,
    },
    {
      name: 'history export',
      summary: 'as Markdown, or as JSON with all branches; without an ID: all of them',
      operands: ['[ID…]'],
      options: [
        json,
        { name: 'format', value: 'markdown|json', help: "default: the output file's ending, else Markdown" },
        { name: 'output', short: 'o', value: 'FILE', help: 'instead of stdout' },
      ],
      load: async () => (await import('../../commands/export-history.ts')).exportHistory,
    },
    {
      name: 'history import',
      summary: 'takes in what lmapp exported, or another program; twice does no harm',
      operands: ['FILE…'],
      options: [
        json,
        { name: 'from', value: 'PROGRAM', help: 'lmapp, llm, ollama, open-webui or chatgpt (seen by itself)' },
        { name: 'quiet', short: 'q', help: 'nothing on stderr but errors' },
      ],
      load: async () => (await import('../../commands/import-history.ts')).importHistory,
    },
  ],
}
