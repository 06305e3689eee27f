import { basename } from 'node:path'
import type { DiskModel, FoundFile } from './disk-model.ts'

/** A model under its program's names for it. */
export type NamedFile = Pick<FoundFile, 'program' | 'origin' | 'names' | 'path'>

/**
 * One name for each file, in the order of `files`, which is that of the programs:
 * - Files of one program that share a name all take a longer one, so that none changes its meaning when another comes.
 * - A name that is taken already, by lmapp's own or by a better known program, gets `@PROGRAM` behind it.
 */
export function nameModels<File extends NamedFile>(
  files: readonly File[],
  taken: ReadonlySet<string>,
): (File & Pick<DiskModel, 'name'>)[] {
  const used = new Set(taken)
  return [...Map.groupBy(files, ({ origin }) => origin).values()].flatMap((group) =>
    nameGroup(group).map((file) => {
      const known = [file.name, `${file.name}@${toTag(file)}`, `${file.name}@${file.path}`]
      const name = known.find((each) => !used.has(each)) ?? file.path
      used.add(name)
      return { ...file, name }
    }),
  )
}

/** Each takes the shortest of its names that is no other's. */
function nameGroup<File extends NamedFile>(files: readonly File[], depth = 0): (File & { name: string })[] {
  const byName = Map.groupBy(files, ({ names, path }) => names[depth] ?? path)
  return [...byName].flatMap(([name, sharing]) =>
    sharing.length === 1 || depth >= longestNames
      ? sharing.map((file) => ({ ...file, name }))
      : nameGroup(sharing, depth + 1),
  )
}

const longestNames = 4

function toTag({ program, origin }: NamedFile): string {
  return program === 'folder' ? basename(origin) : program
}
