import type { CommandSpec } from './command-spec.ts'
import { backendsCommand } from './commands/backends.ts'
import { chatCommand } from './commands/chat.ts'
import { configCommand } from './commands/config.ts'
import { embedCommand } from './commands/embed.ts'
import { historyCommand } from './commands/history.ts'
import { keysCommand } from './commands/keys.ts'
import { modelsCommand } from './commands/models.ts'
import { serviceCommand } from './commands/service.ts'
import { answerOptions, json, modelOption, plainOption, settingOption } from './commands/shared-options.ts'

export const commands: readonly CommandSpec[] = [
  chatCommand,
  {
    name: 'continue',
    summary: "goes on with an answer that did not end complete; default: this terminal's last",
    operands: ['[ID]'],
    options: [modelOption, settingOption, plainOption, ...answerOptions],
    load: async () => (await import('../commands/continue.ts')).continueAnswer,
  },
  embedCommand,
  modelsCommand,
  backendsCommand,
  historyCommand,
  configCommand,
  {
    name: 'serve',
    summary: 'runs the service in the foreground and opens the APIs on this machine',
    operands: [],
    options: [
      {
        name: 'host',
        value: 'H',
        help: 'the address to listen at (127.0.0.1); others than that of this machine itself need a key',
      },
      { name: 'port', value: 'N', help: '5627; 0: any free one' },
    ],
    load: async () => (await import('../commands/serve.ts')).serve,
  },
  serviceCommand,
  keysCommand,
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
