import { interfaceVersion } from '../backend.ts'
import { LmappError } from '../errors/lmapp-error.ts'

/** Whether two sides understand each other: minor versions only add, so the major one decides. */
export function isCompatibleVersion(version: string): boolean {
  return majorOf(version) === majorOf(interfaceVersion)
}

/** What a plugin answers to the versions that a host offers: its own, if the host knows its major. Throws `interface-version`. */
export function chooseVersion(offered: readonly string[]): string {
  if (offered.some(isCompatibleVersion)) return interfaceVersion
  throw new LmappError(
    'interface-version',
    `The host speaks interface version ${offered.join(', ')}, this plugin ${interfaceVersion}.`,
    { details: { offered: [...offered], supported: [interfaceVersion] } },
  )
}

function majorOf(version: string): string | undefined {
  return /^(\d+)\.\d+$/.exec(version)?.[1]
}
