import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RegisteredBackend } from '../backends/registry.ts'
import type { KnownModel } from '../models/models.ts'

/** What a backend listed when it last ran, in a file of its own, so that it need not be started to be listed. */
export async function recallModels(target: RegisteredBackend): Promise<KnownModel[] | undefined> {
  if (target.lastListed) return target.lastListed
  const text = await readFile(fileOf(target), 'utf8').catch(() => undefined)
  target.lastListed = text === undefined ? undefined : parseRemembered(text, target)
  return target.lastListed
}

/** A list that cannot be kept is asked for again: it spoils nothing. */
export async function rememberModels(target: RegisteredBackend, models: readonly KnownModel[]): Promise<void> {
  const file = fileOf(target)
  const draft = `${file}.${process.pid}`
  try {
    await mkdir(target.context.dataDir, { recursive: true, mode: 0o700 })
    await writeFile(draft, JSON.stringify({ of: toMark(target), models }), { mode: 0o600 })
    await rename(draft, file)
  } catch {
    return
  }
}

function fileOf({ context }: RegisteredBackend): string {
  return join(context.dataDir, 'listed-models.json')
}

function parseRemembered(text: string, target: RegisteredBackend): KnownModel[] | undefined {
  try {
    const { of, models } = JSON.parse(text)
    const isList = Array.isArray(models) && models.every((model) => typeof model?.id === 'string')
    return isList && of === toMark(target) ? models : undefined
  } catch {
    return undefined
  }
}

/** Other settings, or another version, may well have other models. */
function toMark({ type, definition }: RegisteredBackend): string {
  return createHash('sha256')
    .update(JSON.stringify([type.revision, definition.config]))
    .digest('hex')
}
