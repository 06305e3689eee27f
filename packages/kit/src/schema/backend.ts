import * as z from 'zod'
import type { BackendInfo, BackendState, Health, ModelHealth, ModelInfo, TokenCount } from '../backend.ts'
import { type Capabilities, type CapabilityName, capabilityNames, type Support } from '../capability.ts'
import { count, members, open } from './members.ts'

export const support = open(['yes', 'no', 'unknown'], 'unknown') satisfies z.ZodType<Support>

const supports = Object.fromEntries(capabilityNames.map((name) => [name, z.exactOptional(support)])) as Record<
  CapabilityName,
  z.ZodExactOptional<typeof support>
>

export const capabilities = members<Capabilities>()({
  ...supports,
  parallel: z.exactOptional(z.int().min(1)).describe('Chats that the engine runs side by side; more are queued.'),
}) satisfies z.ZodType<Capabilities>

export const backendState = z.enum([
  'stopped',
  'starting',
  'running',
  'stopping',
  'failed',
]) satisfies z.ZodType<BackendState>

export const modelHealth = members<ModelHealth>()({
  id: z.string(),
  state: z.enum(['unloaded', 'loading', 'ready']),
  progress: z.exactOptional(z.number().min(0).max(1)).describe('Of loading.'),
}) satisfies z.ZodType<ModelHealth>

export const health = members<Health>()({
  running: z.boolean(),
  state: backendState,
  degraded: z.exactOptional(z.string()).describe('Why it works less well than it should, for a person.'),
  active: count.describe('Chats being answered now.'),
  queued: count,
  models: z.array(modelHealth),
}) satisfies z.ZodType<Health>

export const modelInfo = members<ModelInfo>()({
  id: z.string().min(1).describe('What `model` of a chat request takes.'),
  sizeBytes: z.exactOptional(count),
  modifiedAt: z.exactOptional(z.string()).describe('ISO 8601.'),
  quantization: z.exactOptional(z.string()).describe('As `Q4_K_M`.'),
  parameters: z.exactOptional(z.string()).describe('As `135M`.'),
  family: z.exactOptional(z.string()),
  contextLength: z.exactOptional(count).describe('The most the model was trained for, in tokens.'),
  loaded: z.exactOptional(z.boolean()),
  capabilities: z.exactOptional(capabilities).describe('A missing name means `unknown`.'),
  license: z.exactOptional(z.string()).describe('SPDX id or a few words.'),
  digest: z.exactOptional(z.string()).describe('`sha256:…`, where the engine knows one.'),
  path: z.exactOptional(z.string()).describe('Where the file is on this machine, when it is one.'),
  template: z.exactOptional(z.string()).describe("The prompt template's text; only from `show_model`."),
}) satisfies z.ZodType<ModelInfo>

export const backendInfo = members<BackendInfo>()({
  name: z.string().describe("The adapter's own name, as `ollama`."),
  version: z.string().describe('Version of the adapter.'),
  interfaceVersion: z.string(),
  engineVersion: z.exactOptional(z.string()).describe('Version of the engine behind it, once it is known.'),
  description: z.exactOptional(z.string()).describe('For people: what engine at which address.'),
  capabilities: capabilities.describe('A missing name means `no`.'),
}) satisfies z.ZodType<BackendInfo>

export const tokenCount = members<TokenCount>()({
  tokens: count,
  exact: z.boolean().describe("The engine's own tokenizer counted the rendered prompt."),
}) satisfies z.ZodType<TokenCount>
