import { chmodSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { assertSocketPath, type Places, resolvePlaces } from '@lmapp/core/config'
import { LmappError } from 'lmapp-kit'
import { ensurePrivateFolder } from './private-folder.ts'

/** The places of this user on this machine. */
export function findPlaces(environment: NodeJS.ProcessEnv): Places {
  return resolvePlaces({
    env: environment,
    platform: process.platform,
    homedir: environment.HOME ?? homedir(),
    tmpdir: tmpdir(),
    uid: process.getuid?.(),
  })
}

/** Makes what a service needs before it can start; all of it readable by its owner only. */
export function ensureServicePlaces(places: Places): void {
  assertSocketPath(places)
  for (const folder of [places.dataDir, places.stateDir, places.cacheDir]) ensureFolder(folder)
  if (process.platform !== 'win32') ensurePrivateFolder(places.runDir)
}

function ensureFolder(folder: string): void {
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 })) chmodSync(folder, 0o700)
  } catch (cause) {
    throw new LmappError('path-unusable', `${folder} cannot be made: ${(cause as Error).message}`, {
      hint: 'Set LMAPP_HOME to a folder that you may write to',
      details: { folder },
      cause,
    })
  }
}
