import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'
import { printJson } from '../output/print-json.ts'
import { toFields } from '../output/table.ts'
import { findPlaces } from '../service/service-places.ts'

export async function showPaths(context: CommandContext, args: Arguments): Promise<number> {
  const places = findPlaces(context.environment)
  if (args.has('json')) await printJson(context.stdout, places)
  else {
    const fields: [string, string][] = [
      ['Configuration', places.configFile],
      ['History', places.storeFile],
      ['Models', places.modelsDir],
      ['Own backends', places.userBackendsDir],
      ['Installed backends', places.installedBackendsDir],
      ['Data', places.dataDir],
      ['State', places.stateDir],
      ['Cache', places.cacheDir],
      ['Service log', places.serviceLogFile],
      ['Service socket', places.socket],
    ]
    await context.stdout.write(toFields(fields, Number.POSITIVE_INFINITY))
  }
  return 0
}
