import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readPaths } from '../config.ts'

/** Names and paths of models in a JSON file that somebody else replaces while this runs. */
export interface ModelsFile {
  /** What the file says now; what it said before, when it cannot be read. Nothing when there is none. */
  read(): Promise<Record<string, string>>
}

export function createModelsFile(path: string, log: (level: 'warning', message: string) => void): ModelsFile {
  let seen = ''
  let models: Record<string, string> = {}
  return {
    async read() {
      const found = await stat(path).catch(() => undefined)
      const state = found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
      if (state === seen) return models
      seen = state
      try {
        models = found ? parse(await readFile(path, 'utf8'), dirname(path)) : {}
      } catch (error) {
        log('warning', `${path} is passed over: ${error instanceof Error ? error.message : String(error)}`)
      }
      return models
    },
  }
}

function parse(text: string, folder: string): Record<string, string> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !('models' in value)) throw new Error('it holds no "models"')
  const entries = Object.entries(readPaths(value.models))
  return Object.fromEntries(entries.map(([name, path]) => [name, resolve(folder, path)]))
}
