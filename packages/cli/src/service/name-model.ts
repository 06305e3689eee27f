import { createDefaultConfigText, getConfigValue, setConfigValue, unsetConfigValue } from '@lmapp/core/config'
import type { ModelService } from '@lmapp/core/models'
import { LmappError } from 'lmapp-kit'
import { readConfigText, replaceConfigFile } from '../commands/config.ts'

export interface NameModelOptions {
  models: Pick<ModelService, 'resolve'>
  environment: Readonly<Record<string, string>>
  /** The configuration. */
  file: string
}

/**
 * Gives a model another name: an alias in the configuration, for no engine but one copies models. Throws `bad-input` for
 * a name that is taken or cannot be one, and what resolving the reference throws.
 */
export async function nameModel(
  ref: string,
  name: string,
  { models, environment, file }: NameModelOptions,
): Promise<void> {
  const alias = name.replace(/:latest$/, '')
  if (!/^[\w][\w.:/-]{0,127}$/.test(alias)) {
    throw new LmappError('bad-input', `"${name.slice(0, 100)}" cannot be the name of a model.`, {
      hint: 'Use letters, digits, and . _ : / -',
      details: { field: 'destination' },
    })
  }
  const { refs } = await models.resolve(ref, environment)
  const found = await models.resolve(alias, environment).catch(() => undefined)
  if (found?.refs.some((known) => known.slice(known.indexOf('/') + 1) === alias || known === alias)) throw taken(alias)
  await oneByOne(() => addAlias(file, alias, refs))
}

async function addAlias(file: string, alias: string, refs: readonly string[]): Promise<void> {
  const text = (await readConfigText(file)) ?? createDefaultConfigText()
  const aliases = (getConfigValue(text, 'aliases') ?? {}) as Record<string, unknown>
  if (Object.hasOwn(aliases, alias)) throw taken(alias)
  await replaceConfigFile(file, setConfigValue(text, `aliases.${alias}`, refs))
}

/** Takes an alias away; does nothing where there is none of that name. */
export async function unnameModel(name: string, file: string): Promise<void> {
  await oneByOne(async () => {
    const text = await readConfigText(file)
    if (text !== undefined) await replaceConfigFile(file, unsetConfigValue(text, `aliases.${name}`))
  })
}

let last: Promise<unknown> = Promise.resolve()

/** Two that read the file before either has written it would lose one of the names. */
function oneByOne(edit: () => Promise<void>): Promise<void> {
  const edited = last.then(edit)
  last = edited.catch(() => {})
  return edited
}

function taken(name: string): LmappError {
  return new LmappError('bad-input', `"${name}" is the name of a model already.`, {
    hint: 'Choose another name',
    details: { field: 'destination' },
  })
}
