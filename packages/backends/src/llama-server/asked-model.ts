import type { CallOptions } from 'lmapp-kit'
import { type AskedModel, wrongModel } from '../openai-wire/index.ts'
import type { Catalogue, ServedModel } from './catalogue.ts'
import { engine, type LlamaServerConnection } from './connection.ts'
import { isNameOf } from './model-name.ts'
import type { ModelProps } from './props.ts'

/** What older versions call whatever model goes on with a prompt (ggml-org/llama.cpp#11069). */
const nameOfAny = 'gpt-3.5-turbo'

/** What the server may call the model in its answer. */
export function toAskedModel(catalogue: Catalogue, asked: string, model: ServedModel, call: CallOptions): AskedModel {
  return {
    name: asked,
    names: [model.wireName, ...model.names, nameOfAny],
    warnsOfUnknown: true,
    async ownerOf(answering) {
      // A server that was started anew with another model answers to any name.
      const models = await catalogue.list(call)
      const named = models.filter(({ info, names }) => isNameOf(answering, { id: info.id, names }))
      if (named.length > 0) return named.some(({ wireName }) => wireName === model.wireName) ? 'asked' : 'another'
      return isNameOf(answering, { id: model.info.id, names: model.names }) ? 'asked' : 'unknown'
    },
  }
}

/**
 * `/completion` names its model in its last event only. Throws `wrong-model` where the server that answers is another
 * one than that whose properties these are, and has another model.
 */
export async function assertStillServed(
  connection: LlamaServerConnection,
  { asked, props }: { asked: string; props: ModelProps },
  call: CallOptions,
): Promise<void> {
  const identity = await connection.identify(call)
  const current = identity.state === 'ready' ? identity.props.model : undefined
  if (!current || (current.path === props.path && current.alias === props.alias)) return
  throw wrongModel(engine, { name: asked }, current.alias ?? current.path ?? 'another model')
}
