/** The background service: started by a front that needs it, detached, without terminal and descriptors. */
import { rmSync, writeFileSync } from 'node:fs'
import { isLmappError, LmappError } from 'lmapp-kit'
import { runBackground } from './run-background.ts'
import { findPlaces } from './service-places.ts'
import { failureFile } from './start-service.ts'

const places = findPlaces(process.env)

try {
  process.exit(await runBackground(places))
} catch (error) {
  const known = isLmappError(error)
    ? error
    : new LmappError('service-unavailable', `The service could not start: ${(error as Error).message}`, {
        cause: error,
      })
  process.stderr.write(`${new Date().toISOString()} ${(error as Error).stack ?? known.message}\n`)
  rmSync(failureFile(places), { force: true })
  writeFileSync(failureFile(places), JSON.stringify(known.toData()), { mode: 0o600 })
  process.exit(1)
}
