import { homedir } from 'node:os'
import { isConfigError, type Places, parseConfig } from '@lmapp/core/config'
import { createDiskModels } from '@lmapp/core/models'
import { isLmappError } from 'lmapp-kit'
import { readConfigText } from '../commands/config.ts'
import { formatPlural } from '../output/format.ts'
import type { Check } from './check.ts'

/** What other programs left on the disk: how many models, and every file or folder that cannot be used. */
export async function checkModelFiles(environment: NodeJS.ProcessEnv, places: Places): Promise<Check[]> {
  const settings = await readSettings(places)
  if (!settings) return []
  const disk = createDiskModels({
    homeDir: environment.HOME ?? homedir(),
    platform: process.platform,
    cacheDir: places.cacheDir,
    environment,
    settings: async () => settings,
    leaveOut: [places.modelsDir],
  })
  const { models, notices } = await disk.list()
  return [
    { name: 'model files', state: 'ok', message: `${formatPlural(models.length, 'model')} of other programs` },
    ...notices.map(({ message }): Check => ({ name: 'model files', state: 'note', message })),
  ]
}

/** Nothing where the configuration cannot be read: that is told elsewhere. */
async function readSettings({ configFile }: Places) {
  try {
    const { config, problems } = parseConfig((await readConfigText(configFile)) ?? '{}', configFile)
    return problems.some(isConfigError) ? undefined : config.models
  } catch (error) {
    if (isLmappError(error)) return undefined
    throw error
  }
}
