import { durationPattern, longestDurationMs } from './duration.ts'

/** What the file may hold. The validator, the JSON Schema and the defaults all come from `configDescription`. */
export type Description =
  | (Documented & { kind: 'text'; pattern?: string; format?: 'uri'; expected?: string })
  | (Documented & { kind: 'switch' })
  | (Documented & { kind: 'choice'; values: readonly string[] })
  | (Documented & { kind: 'integer'; minimum: number; maximum: number })
  | (Documented & { kind: 'duration' })
  | (Documented & { kind: 'texts' })
  | (Documented & { kind: 'text-or-texts' })
  | (Documented & { kind: 'text-or-object' })
  | (Documented & { kind: 'anything' })
  | (Documented & { kind: 'map'; values: Description; keyPattern?: string; keyExpected?: string })
  | ObjectDescription

export type ObjectDescription = Documented & {
  kind: 'object'
  fields: Readonly<Record<string, Description>>
  required?: readonly string[]
}

interface Documented {
  doc: string
  /** As the file would say it. */
  default?: string | number | boolean
}

const backend: ObjectDescription = {
  kind: 'object',
  doc: 'One engine that lmapp may ask.',
  required: ['type'],
  fields: {
    type: {
      kind: 'text',
      pattern: '^[a-z0-9][a-z0-9-]*$',
      expected: 'the name of a backend type, such as "ollama"',
      doc: 'Kind of engine: ollama, openai-compatible, llama-server, lm-studio, llamafile, or the name of a plugin.',
    },
    enabled: { kind: 'switch', default: true, doc: 'false: it is left alone.' },
    url: {
      kind: 'text',
      format: 'uri',
      expected: 'a URL that begins with http:// or https://',
      doc: 'Where the engine answers.',
    },
    apiKeyEnv: {
      kind: 'text',
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      expected: 'the name of an environment variable, not the key itself',
      doc: 'Name of the environment variable that holds the key. It goes before apiKeyFile.',
    },
    apiKeyFile: {
      kind: 'text',
      doc: 'File that holds the key; only its owner may be able to read it.',
    },
    command: { kind: 'text', doc: 'Program that lmapp starts as the engine.' },
    args: { kind: 'texts', doc: 'Arguments of the command.' },
    models: {
      kind: 'map',
      values: { kind: 'text-or-object', doc: 'Path of a GGUF file, or hf:owner/repo:quant; for a mock, its script.' },
      doc: 'The models that the command serves, by name.',
    },
    parallel: {
      kind: 'integer',
      minimum: 1,
      maximum: 1024,
      doc: 'Answers that it may write at a time; further requests wait in line. Absent: what the engine says of itself.',
    },
    config: {
      kind: 'map',
      values: { kind: 'anything', doc: 'As the plugin describes it.' },
      doc: 'Settings of a plugin.',
    },
  },
}

const milliseconds = (standard: number, doc: string): Description => ({
  kind: 'integer',
  minimum: 1,
  maximum: longestDurationMs,
  default: standard,
  doc,
})

export const configDescription: ObjectDescription = {
  kind: 'object',
  doc: 'Configuration of lmapp.',
  fields: {
    $schema: { kind: 'text', doc: 'Where this description is, for editors.' },
    model: { kind: 'text', doc: 'Default model: an alias, backend/model, or the name of a model.' },
    aliases: {
      kind: 'map',
      values: { kind: 'text-or-texts', doc: 'Models in order of preference.' },
      doc: 'Names of your own for models.',
    },
    backends: {
      kind: 'map',
      keyPattern: '^[a-z0-9-]+$',
      keyExpected: 'an id of lower-case letters, digits and hyphens',
      values: backend,
      doc: 'Engines, besides those that are found by themselves.',
    },
    failover: {
      kind: 'object',
      doc: 'What happens when an engine fails.',
      fields: {
        enabled: { kind: 'switch', default: true, doc: 'Whether the next candidate goes on.' },
        retries: { kind: 'integer', minimum: 0, maximum: 10, default: 1, doc: 'Tries of the same engine again.' },
      },
    },
    timeouts: {
      kind: 'object',
      doc: 'How long lmapp waits without any progress, in milliseconds.',
      fields: {
        connectMs: milliseconds(3000, 'For a connection.'),
        stallMs: milliseconds(60_000, 'Within a phase that reports progress, or between two tokens.'),
        loadMs: milliseconds(600_000, 'In a phase that reports nothing, such as loading.'),
      },
    },
    service: {
      kind: 'object',
      doc: 'The background service.',
      fields: {
        keepAlive: { kind: 'duration', default: '5m', doc: 'How long it stays when nothing is asked of it.' },
      },
    },
    models: {
      kind: 'object',
      doc: 'Model files that other programs left on this machine.',
      fields: {
        scan: {
          kind: 'switch',
          default: true,
          doc: 'Whether GGUF files of Ollama, LM Studio and the Hugging Face cache are listed and run where they are.',
        },
        folders: { kind: 'texts', doc: 'More folders to look into for GGUF files, with what is below them.' },
      },
    },
    engines: {
      kind: 'object',
      doc: 'Engines that lmapp starts itself.',
      fields: {
        memoryMb: {
          kind: 'integer',
          minimum: 1,
          maximum: 1_000_000_000,
          doc: 'How much memory the models of the engines that lmapp starts may take together, in megabytes. Absent: what is free.',
        },
        startOllama: {
          kind: 'switch',
          default: true,
          doc: 'Whether an Ollama that is installed is started when it is needed, does not run, and nobody else manages it.',
        },
      },
    },
    sources: {
      kind: 'object',
      doc: 'Where downloads come from: the address of a mirror, or a folder.',
      fields: {
        huggingFace: { kind: 'text', doc: 'In place of https://huggingface.co. HF_ENDPOINT goes before it.' },
        llamafile: {
          kind: 'text',
          doc: 'In place of https://github.com/mozilla-ai/llamafile/releases/download.',
        },
        backends: {
          kind: 'text',
          doc: 'The list of known plugins, for lmapp backends install, in place of the one that lmapp brings: a file or an address.',
        },
      },
    },
    history: {
      kind: 'object',
      doc: 'What was said.',
      fields: {
        titles: {
          kind: 'choice',
          values: ['first-words', 'model'],
          default: 'first-words',
          doc: 'Titles of conversations: the first words of the question, or, a while later, a few words by the model.',
        },
      },
    },
    chat: {
      kind: 'object',
      doc: 'The interactive chat.',
      fields: {
        plain: {
          kind: 'switch',
          default: false,
          doc: 'For screen readers: nothing on the screen is ever redrawn, and nothing is decorated.',
        },
      },
    },
    personas: {
      kind: 'map',
      values: { kind: 'anything', doc: 'A persona.' },
      doc: 'Personas, by name.',
    },
    serve: {
      kind: 'object',
      doc: 'What lmapp serve allows.',
      fields: {
        allowPull: { kind: 'switch', default: false, doc: 'Whether guests may fetch models.' },
        requireKey: {
          kind: 'switch',
          default: false,
          doc: 'Whether whoever asks needs a key of lmapp keys create; otherwise programs on this machine are guests.',
        },
        history: {
          kind: 'switch',
          default: false,
          doc: 'Whether what programs ask by the APIs is kept in the history. The header x-lmapp-history says it for one request.',
        },
        origins: { kind: 'texts', doc: 'Origins of web pages that may use the APIs, as http://localhost:3000.' },
        hosts: {
          kind: 'texts',
          doc: 'Names of this machine under which other machines ask for it; addresses need not be listed.',
        },
      },
    },
  },
}

/** What a value of this description looks like, for messages: "… must be X". */
export function expectedOf(description: Description): string {
  switch (description.kind) {
    case 'text':
      return description.expected ?? 'a text'
    case 'switch':
      return 'true or false'
    case 'choice':
      return description.values.map((value) => `"${value}"`).join(' or ')
    case 'integer':
      return `a whole number from ${description.minimum} to ${description.maximum}`
    case 'duration':
      return 'a duration such as "5m", "90s" or "1h30m", or a number of milliseconds'
    case 'texts':
      return 'a list of texts'
    case 'text-or-texts':
      return 'a text or a list of texts'
    case 'text-or-object':
      return 'a text or an object, { … }'
    case 'anything':
      return 'any value'
    case 'map':
    case 'object':
      return 'an object, { … }'
    default:
      return description satisfies never
  }
}

/** JSON Schema 2020-12 of one value. */
export function toJsonSchema(description: Description): Record<string, unknown> {
  const { doc } = description
  const standard = description.default === undefined ? {} : { default: description.default }
  return { description: doc, ...shapeOf(description), ...standard }
}

const text = { type: 'string', minLength: 1 }
const texts = { type: 'array', items: text }

function shapeOf(description: Description): Record<string, unknown> {
  switch (description.kind) {
    case 'text': {
      const pattern = description.format === 'uri' ? '^https?://' : description.pattern
      return { ...text, ...(pattern !== undefined && { pattern }) }
    }
    case 'switch':
      return { type: 'boolean' }
    case 'choice':
      return { enum: [...description.values] }
    case 'integer':
      return { type: 'integer', minimum: description.minimum, maximum: description.maximum }
    case 'duration':
      return {
        anyOf: [
          { type: 'string', pattern: durationPattern },
          { type: 'number', minimum: 0, maximum: longestDurationMs },
        ],
      }
    case 'texts':
      return { type: 'array', items: { type: 'string' } }
    case 'text-or-texts':
      return { anyOf: [text, { ...texts, minItems: 1 }] }
    case 'text-or-object':
      return { anyOf: [text, { type: 'object' }] }
    case 'anything':
      return {}
    case 'map':
      return {
        type: 'object',
        additionalProperties: toJsonSchema(description.values),
        ...(description.keyPattern !== undefined && { propertyNames: { pattern: description.keyPattern } }),
      }
    case 'object':
      return objectShape(description)
    default:
      return description satisfies never
  }
}

function objectShape({ fields, required }: ObjectDescription): Record<string, unknown> {
  const properties = Object.entries(fields).map(([name, field]) => [name, toJsonSchema(field)])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required && { required }),
  }
}
