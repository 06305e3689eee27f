import type { CommandSpec, OptionSpec } from './command-spec.ts'

const json: OptionSpec = { name: 'json', help: 'machine-readable, on stdout' }
const lines: OptionSpec = { name: 'lines', short: 'n', value: 'N', help: 'how many of the last lines (100)' }

const uselessYes: OptionSpec = {
  name: 'yes',
  short: 'y',
  help: 'nothing is asked; accepted for scripts that say it anyway',
}

/** Every command knows these. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'help', short: 'h', help: 'what can be said here' },
  { name: 'version', short: 'V', help: 'the version' },
  { name: 'color', help: 'colours even where the stream is no terminal' },
  { name: 'no-color', help: 'no colours' },
]

const answerOptions: readonly OptionSpec[] = [
  { name: 'json', help: 'one JSON object a line: the parts, then the end' },
  { name: 'hide-reasoning', short: 'R', help: 'does not show what the model thinks' },
  { name: 'quiet', short: 'q', help: 'nothing on stderr but errors' },
  { name: 'no-failover', help: 'no other backend takes over' },
]

const modelOption: OptionSpec = {
  name: 'model',
  short: 'm',
  value: 'REF',
  help: 'an alias, backend/model, or a model name',
}
const settingOption: OptionSpec = {
  name: 'option',
  short: 'o',
  value: 'KEY=VALUE',
  repeatable: true,
  help: 'temperature, top_p, seed, max_tokens, num_ctx, stop …',
}

const chat: CommandSpec = {
  name: 'chat',
  summary: 'asks, or opens the interactive chat when there is nothing to ask',
  operands: ['[PROMPT…]'],
  options: [
    modelOption,
    { name: 'continue', short: 'c', help: "goes on in this terminal's last conversation" },
    { name: 'conversation', value: 'ID', help: 'goes on in this conversation' },
    { name: 'system', short: 's', value: 'TEXT', help: 'the system prompt' },
    { name: 'persona', value: 'NAME', later: true, help: 'a configured persona' },
    { name: 'file', short: 'f', value: 'PATH', repeatable: true, help: 'a text file to go with it; - is stdin' },
    settingOption,
    { name: 'schema', value: 'FILE', later: true, help: 'a JSON Schema that the answer satisfies' },
    { name: 'extract', short: 'x', help: 'only the first code block of the answer' },
    { name: 'no-save', short: 'n', help: 'nothing is written to the history' },
    { name: 'yes', short: 'y', help: 'agrees beforehand to what would be asked' },
    ...answerOptions,
  ],
  load: async () => (await import('../commands/chat.ts')).chat,
}

const models: CommandSpec = {
  name: 'models',
  summary: 'lists, fetches and removes models',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'models list',
      summary: 'every model of every backend',
      operands: [],
      options: [json],
      load: async () => (await import('../commands/models.ts')).listModels,
    },
    {
      name: 'models show',
      summary: 'what is known about one',
      operands: ['REF'],
      options: [json],
      load: async () => (await import('../commands/models.ts')).showModel,
    },
    {
      name: 'models pull',
      summary: 'fetches one: a known name, hf:owner/repo[:quant], or backend/model',
      operands: ['REF'],
      options: [
        json,
        { name: 'yes', short: 'y', help: 'fetches without a question' },
        { name: 'quiet', short: 'q', help: 'no progress' },
      ],
      load: async () => (await import('../commands/pull-model.ts')).pullModel,
    },
    {
      name: 'models remove',
      summary: 'removes one and frees its space',
      operands: ['REF'],
      options: [json, uselessYes],
      load: async () => (await import('../commands/models.ts')).removeModel,
    },
    {
      name: 'models switch',
      summary: 'makes one the default',
      operands: ['REF'],
      options: [json],
      load: async () => (await import('../commands/models.ts')).switchModel,
    },
  ],
}

const backendRef = ['NAME']

const backends: CommandSpec = {
  name: 'backends',
  summary: 'the engines that are there, and why one is not',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'backends list',
      summary: 'every backend and its state',
      operands: [],
      options: [json],
      load: async () => (await import('../commands/backends.ts')).listBackends,
    },
    {
      name: 'backends show',
      summary: 'one in detail',
      operands: backendRef,
      options: [json],
      load: async () => (await import('../commands/backends.ts')).showBackend,
    },
    {
      name: 'backends logs',
      summary: 'the end of its log',
      operands: backendRef,
      options: [lines],
      load: async () => (await import('../commands/backends.ts')).backendLogs,
    },
    ...['start', 'stop', 'install', 'update', 'remove', 'verify', 'new'].map((verb) => ({
      name: `backends ${verb}`,
      summary: 'comes in a later version',
      operands: backendRef,
      options: [],
    })),
  ],
}

const history: CommandSpec = {
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
      load: async () => (await import('../commands/history.ts')).listHistory,
    },
    {
      name: 'history show',
      summary: 'one conversation; ID of it or of a message, or the beginning of one',
      operands: ['ID'],
      options: [json],
      load: async () => (await import('../commands/history.ts')).showHistory,
    },
    {
      name: 'history search',
      summary: 'messages that hold these words',
      operands: ['WORDS…'],
      options: [json, { name: 'limit', short: 'l', value: 'N', help: 'at most so many (20)' }],
      load: async () => (await import('../commands/history.ts')).searchHistory,
    },
    {
      name: 'history rename',
      summary: 'gives it another title',
      operands: ['ID', 'TITLE…'],
      options: [json],
      load: async () => (await import('../commands/history.ts')).renameHistory,
    },
    {
      name: 'history delete',
      summary: 'deletes it for good',
      operands: ['ID…'],
      options: [json, uselessYes],
      load: async () => (await import('../commands/history.ts')).deleteHistory,
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
      load: async () => (await import('../commands/export-history.ts')).exportHistory,
    },
    { name: 'history import', summary: 'comes in a later version', operands: ['FILE'], options: [] },
    { name: 'history fork', summary: 'comes in a later version', operands: ['ID'], options: [] },
  ],
}

const config: CommandSpec = {
  name: 'config',
  summary: 'the configuration file',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'config show',
      summary: 'what applies, defaults included',
      operands: [],
      options: [json],
      load: async () => (await import('../commands/config.ts')).showConfig,
    },
    {
      name: 'config get',
      summary: 'one value, as JSON unless it is a text',
      operands: ['KEY'],
      options: [json],
      load: async () => (await import('../commands/config.ts')).getConfig,
    },
    {
      name: 'config set',
      summary: 'sets a value; comments and order stay',
      operands: ['KEY', 'VALUE'],
      options: [],
      load: async () => (await import('../commands/config.ts')).setConfig,
    },
    {
      name: 'config unset',
      summary: 'removes a key from the file',
      operands: ['KEY'],
      options: [],
      load: async () => (await import('../commands/config.ts')).unsetConfig,
    },
    {
      name: 'config edit',
      summary: 'opens it in $EDITOR and checks it afterwards',
      operands: [],
      options: [],
      load: async () => (await import('../commands/config.ts')).editConfig,
    },
    {
      name: 'config path',
      summary: 'where it is',
      operands: [],
      options: [],
      load: async () => (await import('../commands/config.ts')).configPath,
    },
  ],
}

const service: CommandSpec = {
  name: 'service',
  summary: 'the background service',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'service status',
      summary: 'whether it runs',
      operands: [],
      options: [json],
      load: async () => (await import('../commands/service.ts')).serviceStatus,
    },
    {
      name: 'service stop',
      summary: 'ends it; running answers are kept as far as they are',
      operands: [],
      options: [json],
      load: async () => (await import('../commands/service.ts')).stopService,
    },
    {
      name: 'service logs',
      summary: 'the end of its log',
      operands: [],
      options: [lines],
      load: async () => (await import('../commands/service.ts')).serviceLogs,
    },
  ],
}

export const commands: readonly CommandSpec[] = [
  chat,
  {
    name: 'continue',
    summary: "goes on with an answer that did not end complete; default: this terminal's last",
    operands: ['[ID]'],
    options: [modelOption, settingOption, ...answerOptions],
    load: async () => (await import('../commands/continue.ts')).continueAnswer,
  },
  models,
  backends,
  history,
  config,
  {
    name: 'serve',
    summary: 'runs the service in the foreground and opens the APIs on this machine',
    operands: [],
    options: [
      { name: 'host', value: 'H', help: 'an address of this machine itself (127.0.0.1)' },
      { name: 'port', value: 'N', help: '5627; 0: any free one' },
    ],
    load: async () => (await import('../commands/serve.ts')).serve,
  },
  service,
  {
    name: 'keys',
    summary: 'who else may use the APIs (later)',
    operands: [],
    options: [],
    subcommands: ['list', 'create', 'revoke'].map((verb) => ({
      name: `keys ${verb}`,
      summary: 'comes in a later version',
      operands: ['[NAME]'],
      options: [json],
    })),
  },
  {
    name: 'doctor',
    summary: 'what was found, what is wrong, the command that mends it',
    operands: [],
    options: [json],
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  {
    name: 'completions',
    summary: 'completions for a shell (later)',
    operands: ['bash|zsh|fish|powershell'],
    options: [],
  },
  {
    name: 'paths',
    summary: 'where everything is',
    operands: [],
    options: [json],
    load: async () => (await import('../commands/paths.ts')).showPaths,
  },
]

export const chatCommand: CommandSpec = chat
