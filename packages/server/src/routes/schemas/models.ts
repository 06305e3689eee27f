import type { ApiEmbedding, ApiModel, ApiModelFit, PullEvent, RemovedModel } from 'lmapp-client'
import { type Capabilities, type CapabilityName, capabilityNames, type ModelInfo } from 'lmapp-kit'
import type { JsonSchema } from '../../parse/fields.ts'
import { errorData, progress } from './parts.ts'
import { anyOf, closed, count, described, flag, listOf, only, open, text, time, words } from './shape.ts'

const supports = Object.fromEntries(capabilityNames.map((name) => [name, words('yes', 'no', 'unknown')])) as Record<
  CapabilityName,
  JsonSchema
>

export const capabilitiesSchema = open<Capabilities>({}, { ...supports, parallel: { type: 'integer', minimum: 1 } })

const infoFields = {
  sizeBytes: count,
  modifiedAt: described('ISO 8601.', text),
  quantization: described('As `Q4_K_M`.', text),
  parameters: described('As `135M`.', text),
  family: text,
  contextLength: described('The most it was trained for, in tokens.', count),
  loaded: flag,
  capabilities: described('What is not named is unknown.', capabilitiesSchema),
  license: text,
  digest: text,
  path: described('Where the file is on this machine.', text),
  template: described('Only of one model, not in lists.', text),
}

/** As its backend tells it. */
export const modelInfoSchema = open<ModelInfo>({ id: text }, infoFields)

const fit = closed<ApiModelFit>(
  {
    state: described('`tight`: only with a shorter context.', words('fits', 'tight', 'too-large')),
    neededBytes: count,
    freeBytes: count,
    contextLength: described('The context that is counted with; 0: only the file is.', count),
  },
  { longestContext: count },
)

export const modelSchema = open<ApiModel>(
  { id: text, ref: described('`backend/id`.', text), backend: text, name: text },
  {
    ...infoFields,
    origin: described("Where its file comes from; absent: the engine's own.", text),
    lastUsedAt: time,
    fit: described('Whether it fits the memory of this machine now.', fit),
  },
)

export const resolvedSchema = closed<{ refs: string[]; notice?: string }>(
  { refs: described('As `backend/model`, in the order in which they are tried.', listOf(text)) },
  { notice: described('What a person should know of the choice.', text) },
)

type Pull<Type extends PullEvent['type']> = Extract<PullEvent, { type: Type }>

/** The data of one event; a stream without `done` failed. */
export const pullEventSchema = anyOf(
  closed<Pull<'progress'>>({ type: only('progress'), status: described('For a person.', text) }, { progress }),
  closed<Pull<'done'>>({ type: only('done'), ref: text }, {}),
  closed<Pull<'error'>>({ type: only('error'), error: errorData }, {}),
)

export const removedSchema = closed<RemovedModel>({ ref: text }, { freedBytes: count })

export const embeddingSchema = closed<ApiEmbedding>(
  {
    model: described('`backend/model` that did it.', text),
    dimensions: count,
    vectors: described(
      'One for each text, little-endian float32.',
      listOf({ type: 'string', contentEncoding: 'base64' }),
    ),
  },
  { inputTokens: count },
)
