import type { CallOptions } from 'lmapp-kit'
import type { AskedModel } from '../openai-wire/index.ts'
import type { Catalogue } from './catalogue.ts'
import type { LmStudioModel } from './models.ts'

/** LM Studio may answer with another model that happens to be loaded (lmstudio-ai/lmstudio-bug-tracker#1217). */
export function toAskedModel(catalogue: Catalogue, asked: string, model: LmStudioModel, call: CallOptions): AskedModel {
  const isIt = ({ info }: LmStudioModel) => info.id === model.info.id
  return {
    name: asked,
    names: namesOf(model),
    warnsOfUnknown: true,
    hint: 'Unload the other model, or load this one: lms load',
    async ownerOf(answering) {
      // Asked anew: it may have been loaded, under a name of its own, for this very answer.
      const models = await catalogue.list(call)
      const named = models.filter((other) => namesOf(other).includes(answering))
      const meant = named.length > 0 ? named : models.filter(hasFormOf(answering))
      if (meant.length === 0) return 'unknown'
      return meant.some(isIt) ? 'asked' : 'another'
    },
  }
}

function namesOf({ info, instances }: LmStudioModel): string[] {
  return [info.id, ...instances.map(({ id }) => id)]
}

function hasFormOf(answering: string) {
  const plain = toPlainName(answering)
  return (model: LmStudioModel) => namesOf(model).some((name) => toPlainName(name) === plain)
}

/** Without the variant (`name@q4_k_m`) and without the number of the copy (`name:2`). */
function toPlainName(name: string): string {
  return name
    .replace(/:\d+$/, '')
    .replace(/@[^/]*$/, '')
    .toLowerCase()
}
