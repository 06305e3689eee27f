import type { CommandSpec } from '../command-spec.ts'
import { json } from './shared-options.ts'

export const configCommand: CommandSpec = {
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
      load: async () => (await import('../../commands/config.ts')).showConfig,
    },
    {
      name: 'config get',
      summary: 'one value, as JSON unless it is a text',
      operands: ['KEY'],
      options: [json],
      load: async () => (await import('../../commands/config.ts')).getConfig,
    },
    {
      name: 'config set',
      summary: 'sets a value; comments and order stay',
      operands: ['KEY', 'VALUE'],
      options: [],
      load: async () => (await import('../../commands/config.ts')).setConfig,
    },
    {
      name: 'config unset',
      summary: 'removes a key from the file',
      operands: ['KEY'],
      options: [],
      load: async () => (await import('../../commands/config.ts')).unsetConfig,
    },
    {
      name: 'config edit',
      summary: 'opens it in $EDITOR and checks it afterwards',
      operands: [],
      options: [],
      load: async () => (await import('../../commands/config.ts')).editConfig,
    },
    {
      name: 'config ui',
      summary: 'a form with every setting, its meaning and where its value comes from',
      operands: [],
      options: [],
      load: async () => (await import('../../commands/config-ui.ts')).configUi,
    },
    {
      name: 'config path',
      summary: 'where it is',
      operands: [],
      options: [],
      load: async () => (await import('../../commands/config.ts')).configPath,
    },
  ],
}
