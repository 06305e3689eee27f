import { isLmappError, LmappError, type Warning } from 'lmapp-kit'
import { toFields, toOptionalText } from '../json/fields.ts'

/** Whose a name is that an engine gives with its answer. `unknown`: neither that of the asked model nor another's. */
export type NameOwner = 'asked' | 'another' | 'unknown'

/** The model that was asked, under all its names. */
export interface AskedModel {
  name: string
  /** Others that mean it, as far as they are known beforehand. */
  names: readonly string[]
  /** Whose any other name is, by what the engine has now. */
  ownerOf(answering: string): Promise<NameOwner>
  /** Whether a name that is unknown is worth a word: a gateway that lists the asked name may call it as it likes. */
  warnsOfUnknown: boolean
  /** What a user does when another model answers. */
  hint?: string
}

/** Compares the name that comes with each piece of one answer with what was asked. */
export interface ModelWatch {
  /** Undefined when all is well, and that at once; rejects with `wrong-model`. */
  see(answering: unknown): Promise<Warning[]> | undefined
}

export function watchModel(engine: string, asked: AskedModel): ModelWatch {
  const accepted = new Set([asked.name, ...asked.names])
  let seen = false

  const judge = async (answering: string): Promise<Warning[]> => {
    const owner = await unlessFailed(asked.ownerOf(answering))
    if (owner === 'another' || (owner === 'unknown' && seen)) throw wrongModel(engine, asked, answering, seen)
    accepted.add(answering)
    seen = true
    return owner === 'unknown' && asked.warnsOfUnknown ? [anotherName(engine, asked, answering)] : []
  }

  return {
    see(value) {
      const answering = toOptionalText(value)
      if (answering === undefined) return undefined
      if (!accepted.has(answering)) return judge(answering)
      seen = true
      return undefined
    },
  }
}

/** The same for an answer that came whole. */
export async function assertAnsweredBy(answer: unknown, engine: string, asked: AskedModel): Promise<void> {
  await watchModel(engine, asked).see(toFields(answer).model)
}

export function wrongModel(
  engine: string,
  { name, hint }: Pick<AskedModel, 'name' | 'hint'>,
  answering: string,
  within = false,
): LmappError {
  const what = within ? 'went on for' : 'answered for'
  return new LmappError('wrong-model', `${engine} was asked for ${name} and ${what} ${answering}.`, {
    ...(hint !== undefined && { hint }),
    details: { model: name, answering },
  })
}

/** The engine answers, so that a list which cannot be had just now says nothing against it. */
async function unlessFailed(owner: Promise<NameOwner>): Promise<NameOwner> {
  try {
    return await owner
  } catch (error) {
    if (isLmappError(error) && error.code !== 'cancelled') return 'unknown'
    throw error
  }
}

function anotherName(engine: string, { name }: AskedModel, answering: string): Warning {
  return { type: 'warning', code: 'other', message: `${engine} was asked for ${name}, and answers with ${answering}.` }
}
