import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { limits } from './limits.ts'
import { readAttachment } from './read-attachment.ts'
import { makePdf } from './testing/make-pdf.ts'
import { walkFolder } from './walk-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-attach-'))
after(() => rmSync(folder, { recursive: true }))

function write(files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

async function refusal(path: string): Promise<string> {
  try {
    await readAttachment(path, folder)
  } catch (error) {
    assert.ok(isLmappError(error, 'bad-input'), String(error))
    assert.ok(error.message.includes(path), error.message)
    return error.message
  }
  assert.fail(`${path} was taken`)
}

const namesOf = async (path: string) => {
  const { content, notice } = await readAttachment(path, folder)
  return { names: content.map((item) => (item.type === 'file' ? item.name : item.type)), notice }
}

describe('a file to go with a question', () => {
  it('is text, under its name and with its type', async () => {
    write({ 'notes.md': '\ufeffhello\n' })
    const { content } = await readAttachment('notes.md', folder)
    assert.deepEqual(content, [{ type: 'file', name: 'notes.md', mediaType: 'text/markdown', text: 'hello\n' }])
  })

  it('is an image, told by its bytes and not by its name', async () => {
    const heads = {
      'image/png': '89504e470d0a1a0a',
      'image/jpeg': 'ffd8ffe0',
      'image/gif': '474946383961',
      'image/webp': '524946460000000057454250',
    }
    for (const [mediaType, hex] of Object.entries(heads)) {
      const bytes = Buffer.from(`${hex}0011`, 'hex')
      write({ 'picture.txt': bytes })
      const { content } = await readAttachment('picture.txt', folder)
      assert.deepEqual(content, [{ type: 'image', mediaType, data: bytes.toString('base64') }])
    }
  })

  it('is the text of a PDF, page after page', async () => {
    write({ 'paper.pdf': makePdf(['First page', 'Second page']) })
    const { content } = await readAttachment('paper.pdf', folder)
    assert.deepEqual(content, [
      { type: 'file', name: 'paper.pdf', mediaType: 'text/plain', text: 'First page\n\nSecond page' },
    ])
  })

  it('is refused by what it is: a PDF without text, with a password, broken; an archive, a program, a model', async () => {
    write({
      'empty.pdf': makePdf(['']),
      'locked.pdf': makePdf(['secret'], { locked: true }),
      'broken.pdf': makePdf(['text']).subarray(0, 60),
      'a.docx': Buffer.from('504b0304aabb', 'hex'),
      'a.gguf': Buffer.from('4747554603000000', 'hex'),
      'a.txt': Buffer.from('text\0more'),
      'latin.txt': Buffer.from('caf\xe9', 'latin1'),
    })
    assert.match(await refusal('empty.pdf'), /holds no text/)
    assert.match(await refusal('locked.pdf'), /password/)
    assert.match(await refusal('broken.pdf'), /broken PDF/)
    assert.match(await refusal('a.docx'), /office document/)
    assert.match(await refusal('a.gguf'), /GGUF model/)
    assert.match(await refusal('a.txt'), /binary file/)
    assert.match(await refusal('latin.txt'), /UTF-8: line 1/)
    assert.match(await refusal('none.txt'), /does not exist/)
    assert.match(await refusal('a.txt/below'), /does not exist/)
  })

  it('is not the working directory when its path is empty, as an unset variable makes it', async () => {
    assert.match(await refusal(''), /path given with -f is empty/)
  })

  it('is refused with the number when it is too large, also where it never ends', async () => {
    write({
      'huge.txt': Buffer.alloc(limits.text + 1, 'a'),
      'huge.png': Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(limits.image)]),
    })
    assert.match(await refusal('huge.txt'), /larger than 8/)
    assert.match(await refusal('huge.png'), /larger than 2/)
    if (process.platform === 'linux') assert.match(await refusal('/dev/zero'), /binary file/)
  })

  it('may hold any bytes: they are taken or refused, and nothing breaks', async () => {
    const heads = ['', '%PDF-1.7\n', '\x89PNG\r\n\x1a\n', 'GIF89a', 'RIFFxxxxWEBP', '%PDF-1.4\n1 0 obj\n<<']
    for (const [index, head] of [...heads, ...heads, ...heads].entries()) {
      write({ 'random.bin': Buffer.concat([Buffer.from(head, 'latin1'), randomBytes(10_000 + index)]) })
      await readAttachment('random.bin', folder).catch((error) => assert.ok(isLmappError(error, 'bad-input'), error))
    }
  })
})

describe('a folder to go with a question', () => {
  it('gives its text files in a fixed order, and says what was left out', async () => {
    write({
      'plain/b.txt': 'b',
      'plain/a/c.ts': 'c',
      'plain/.config': 'hidden files count',
      'plain/logo.png': Buffer.from('89504e470d0a1a0a00', 'hex'),
      'plain/latin.txt': Buffer.from('caf\xe9', 'latin1'),
      'plain/.env': 'TOKEN=1',
      'plain/server.key': 'KEY',
      'plain/large.txt': Buffer.alloc(limits.textInFolder + 1, 'a'),
    })
    symlinkSync(folder, join(folder, 'plain', 'loop'))
    const { names, notice } = await namesOf('plain')
    assert.deepEqual(names, ['plain/.config', 'plain/a/c.ts', 'plain/b.txt'])
    assert.match(
      notice ?? '',
      /^plain: 3 files, 20 B\. Left out: 2 no text, 1 over 1.* MB, 2 by their names secrets, 1 as a link or device\.$/,
    )
  })

  it('leaves out what git ignores, by the files of every folder above and below', async () => {
    write({
      'repository/.git/HEAD': 'ref: refs/heads/main\n',
      'repository/.git/info/exclude': 'mine.txt\n',
      'repository/.gitignore': 'node_modules/\n*.log\n/sub/only-here.txt\n',
      'repository/node_modules/x/index.js': 'x',
      'repository/sub/.gitignore': '!kept.log\nbuild\n',
      'repository/sub/kept.log': 'k',
      'repository/sub/lost.log': 'l',
      'repository/sub/mine.txt': 'm',
      'repository/sub/only-here.txt': 'o',
      'repository/sub/build/out.js': 'o',
      'repository/sub/code.ts': 'c',
    })
    const whole = await namesOf('repository')
    assert.deepEqual(whole.names, [
      'repository/.gitignore',
      'repository/sub/.gitignore',
      'repository/sub/code.ts',
      'repository/sub/kept.log',
    ])
    assert.match(whole.notice ?? '', /Left out: 5 ignored by git\.$/)
    assert.deepEqual((await namesOf('repository/sub')).names, ['sub/.gitignore', 'sub/code.ts', 'sub/kept.log'])
    assert.deepEqual((await namesOf('repository/sub/lost.log')).names, ['lost.log'])
  })

  it('is refused when nothing in it is text, and when it holds more than a question can carry', async () => {
    mkdirSync(join(folder, 'nothing'))
    assert.match(await refusal('nothing'), /no text/)
    for (let index = 0; index <= limits.filesOfFolder; index++) write({ [`many/${index}`]: 'x' })
    assert.match(await refusal('many'), /2,000 files/)
  })

  it('is refused before all of it is looked at when it holds more than anybody means to send', async () => {
    write(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`wide/${index % 3}/${index}`, 'x'])))
    assert.equal((await walkFolder(join(folder, 'wide'), 'wide', 15)).files.length, 12)
    await assert.rejects(walkFolder(join(folder, 'wide'), 'wide', 14), (error) => {
      assert.ok(isLmappError(error, 'bad-input'))
      assert.match(error.message, /wide holds more than 14 files/)
      return true
    })
  })

  it('passes over what may not be read', { skip: process.getuid?.() === 0 && 'root may read everything' }, async () => {
    write({ 'private/open.txt': 'o', 'private/closed/x.txt': 'x', 'private/mine.txt': 'm' })
    chmodSync(join(folder, 'private', 'closed'), 0)
    chmodSync(join(folder, 'private', 'mine.txt'), 0)
    const { names } = await namesOf('private')
    chmodSync(join(folder, 'private', 'closed'), 0o700)
    assert.deepEqual(names, ['private/open.txt'])
  })
})
