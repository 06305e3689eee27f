import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LmappError } from 'lmapp-kit'
import type { HubFile } from './hub-file.ts'
import { type HubSource, isFileName } from './sources.ts'

/** All model files of a repository in a folder that holds them as `owner/repo/file`. Throws `model-not-found`. */
export async function listFolderFiles(source: HubSource, folder: string): Promise<HubFile[]> {
  const repository = join(folder, source.owner, source.repo)
  const names = await readdir(repository, { recursive: true }).catch((cause) => {
    throw toMissing(source, folder, cause)
  })
  const files = names.filter(isFileName).map((name) => describe(repository, join(repository, name)))
  return (await Promise.all(files)).flat().sort((one, other) => (one.path < other.path ? -1 : 1))
}

async function describe(repository: string, path: string): Promise<HubFile[]> {
  const found: Stats | undefined = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return []
  const inside = relative(repository, path).split(sep).join('/')
  return [{ path: inside, url: pathToFileURL(path).href, sizeBytes: found.size, sha256: undefined }]
}

function toMissing({ owner, repo, text }: HubSource, folder: string, cause: unknown): LmappError {
  return new LmappError('model-not-found', `There is no ${owner}/${repo} in ${folder}.`, {
    hint: `Put it there as ${join(folder, owner, repo)}, or name another place: lmapp config set sources.huggingFace …`,
    details: { source: text, path: join(folder, owner, repo) },
    cause,
  })
}
