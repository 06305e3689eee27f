import type { CallOptions } from 'lmapp-kit'
import type { AskedModel, ListedModel } from '../openai-wire/index.ts'
import type { CompatibleConnection } from './connection.ts'

/** A model as it is asked for, with the entry of the list that it is, where there is one. */
export interface Asking {
  model: string
  entry: ListedModel | undefined
}

/**
 * What the server may call the model in its answer. Gateways answer with the name of a version, which may be listed as
 * well, or with one that they list nowhere; another entry of the list is another model.
 */
export function toAskedModel(
  connection: CompatibleConnection,
  { model, entry }: Asking,
  call: CallOptions,
): AskedModel {
  const names = entry ? [entry.info.id, ...entry.aliases] : []
  return {
    name: model,
    names,
    warnsOfUnknown: !entry,
    async ownerOf(answering) {
      if (mayChoose(model) || [model, ...names].some((name) => isFormOf(name, answering))) return 'asked'
      const { models } = await connection.identify(call)
      const named = models.filter(({ info, aliases }) => info.id === answering || aliases.includes(answering))
      if (named.length === 0) return 'unknown'
      return entry && named.some(({ root }) => root !== undefined && root === entry.root) ? 'asked' : 'another'
    },
  }
}

/** `openrouter/auto` and its like leave the choice to the gateway. */
function mayChoose(model: string): boolean {
  return /(^|[/:])auto$/i.test(model)
}

/**
 * Whether an answer's name is the asked one in another form: in other letters, with or without a provider before it,
 * without `:latest`, or with the date of a version behind it, as `gpt-4o-2024-08-06`, `gpt-4-0613`.
 */
export function isFormOf(asked: string, answering: string): boolean {
  const [ours, theirs] = [toSegments(asked), toSegments(answering)]
  const shared = -Math.min(ours.length, theirs.length)
  const [our, their] = [ours.slice(shared).join('/'), theirs.slice(shared).join('/')]
  return their.startsWith(our) && /^([-@:]\d{4}[\d-]{0,6})?$/.test(their.slice(our.length))
}

function toSegments(name: string): string[] {
  return name
    .toLowerCase()
    .replace(/[-:]latest$/, '')
    .split('/')
}
