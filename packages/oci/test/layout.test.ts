import { fork } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { cp, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Pack, pack } from 'tar-stream'
import { copyGraph, createLayout, openLayout, readAll, readLayoutTar, readManifest } from '../src/index.js'
import { codeOf, codeOfAsync, describeBytes, drain, inTemp, pushSample, text } from './fixture.js'

describe('image layouts', () => {
  it('hold what was pushed, by name and digest, also after opening again', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(join(dir, 'store'))
      const index = await pushSample(layout)
      await layout.tag('wabbit-networks/netmonitor:latest', index)
      const again = await openLayout(join(dir, 'store'))
      expect(await again.resolve('wabbit-networks/netmonitor:latest')).to.deep.equal(index)
      expect((await readManifest(again, index)).manifest.kind).to.equal('index')
      expect(await again.untag('wabbit-networks/netmonitor:latest')).to.equal(true)
      expect(await again.untag('wabbit-networks/netmonitor:latest')).to.equal(false)
      expect(await codeOfAsync(again.resolve('wabbit-networks/netmonitor:latest'))).to.equal(
        'MANIFEST_UNKNOWN',
      )
    })
  })

  it('refuse altered content and keep nothing of it', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(dir)
      const d = describeBytes(text('right'))
      expect(await codeOfAsync(layout.push(d, text('wrong')))).to.equal('DIGEST_MISMATCH')
      expect(await codeOfAsync(layout.push(d, text('right and more')))).to.equal('SIZE_MISMATCH')
      expect(await layout.exists(d)).to.equal(false)
      expect(await readdir(join(dir, 'blobs', 'sha256'))).to.deep.equal([])
      expect(await readdir(join(dir, 'ingest'))).to.deep.equal([])
    })
  })

  it('notice a blob that was altered on disk, and one that is gone', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(dir)
      const d = describeBytes(text('right'))
      expect(await codeOfAsync(drain(layout.open(d)))).to.equal('BLOB_UNKNOWN')
      await layout.push(d, text('right'))
      await writeFile(layout.blobPath(d.digest), 'wrong')
      expect(await codeOfAsync(drain(layout.open(d)))).to.equal('DIGEST_MISMATCH')
      await layout.push(d, text('right'))
      expect(await drain(layout.open(d))).to.equal(5)
    })
  })

  it('do not name what they do not hold, and do not leave their folder', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(dir)
      expect(await codeOfAsync(layout.tag('x', describeBytes(text('absent'))))).to.equal('MANIFEST_UNKNOWN')
      expect(codeOf(() => layout.blobPath('sha256:../../x'))).to.equal('DIGEST_INVALID')
    })
  })

  it('stop when told', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(dir)
      const reason = new Error('enough')
      const failed = await layout
        .push(describeBytes(text('x')), text('x'), AbortSignal.abort(reason))
        .catch((e: unknown) => e)
      expect(failed).to.equal(reason)
      expect(await readdir(join(dir, 'ingest'))).to.deep.equal([])
    })
  })

  it('keep entries and members of other tools', async () => {
    await inTemp(async (dir) => {
      const layout = await createLayout(dir)
      const d = describeBytes(text('m'), 'application/x')
      await layout.push(d, text('m'))
      const foreign = `{"schemaVersion":2,"x.tool":{"a":1},"manifests":[{"mediaType":"a/b","digest":"${d.digest}","size":1,"x":[1],"annotations":{"org.opencontainers.image.ref.name":"theirs","k":"v"}}]}`
      await writeFile(join(dir, 'index.json'), foreign)
      await layout.tag('ours', d)
      await layout.tag('ours', d)
      const tree = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8')) as { manifests: object[] }
      expect(tree).to.have.deep.property('x.tool', { a: 1 })
      expect(tree.manifests).to.have.length(2)
      expect(tree.manifests[0]).to.have.deep.property('x', [1])
      expect((await layout.resolve('theirs')).annotations?.get('k')).to.equal('v')
    })
  })

  const broken: [string, (dir: string) => Promise<void>][] = [
    ['index.json is missing', (dir) => rm(join(dir, 'index.json'))],
    ['index.json is cut off', (dir) => truncate(join(dir, 'index.json'), 20)],
    ['index.json is empty', (dir) => truncate(join(dir, 'index.json'), 0)],
    ['index.json is no index', (dir) => writeFile(join(dir, 'index.json'), '[]')],
    [
      'an entry is no descriptor',
      (dir) =>
        writeFile(join(dir, 'index.json'), '{"schemaVersion":2,"manifests":[{"digest":"sha256:../x"}]}'),
    ],
    ['oci-layout is missing beside entries', (dir) => rm(join(dir, 'oci-layout'))],
    ['oci-layout is cut off', (dir) => truncate(join(dir, 'oci-layout'), 5)],
    [
      'oci-layout has another version',
      (dir) => writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
    ],
  ]
  for (const [name, harm] of broken) {
    it(`are LAYOUT_INVALID when ${name}, and say what to do`, async () => {
      await inTemp(async (dir) => {
        const layout = await createLayout(dir)
        await layout.tag('a', await pushSample(layout))
        await harm(dir)
        for (const open of [openLayout, createLayout]) {
          const error: unknown = await open(dir).catch((e: unknown) => e)
          expect(error).to.have.property('code', 'LAYOUT_INVALID')
          expect(error)
            .to.have.property('message')
            .that.matches(/remove the folder/)
        }
      })
    })
  }

  it('finish a creation that a crash cut off, and are LAYOUT_INVALID where nothing is', async () => {
    await inTemp(async (dir) => {
      expect(await codeOfAsync(openLayout(join(dir, 'nothing')))).to.equal('LAYOUT_INVALID')
      await createLayout(dir)
      await rm(join(dir, 'oci-layout'))
      expect(await (await createLayout(dir)).entries()).to.deep.equal([])
    })
  })

  it('lose no entry when processes write at once, also after one died holding the lock', async function () {
    this.timeout(60_000)
    await inTemp(async (dir) => {
      await createLayout(dir)
      await mkdir(join(dir, 'index.lock'), { recursive: true })
      const child = fork(fileURLToPath(new URL('./tag-writer.js', import.meta.url)), ['', '0'])
      await once(child, 'exit')
      const { hostname } = await import('node:os')
      await writeFile(join(dir, 'index.lock', '7'), JSON.stringify({ pid: child.pid, host: hostname() }))
      const writers = ['a', 'b', 'c'].map((who) =>
        fork(fileURLToPath(new URL('./tag-writer.js', import.meta.url)), [dir, '15', who]),
      )
      const codes = await Promise.all(
        writers.map(async (writer) => ((await once(writer, 'exit')) as [number])[0]),
      )
      expect(codes).to.deep.equal([0, 0, 0])
      const names = (await (await openLayout(dir)).entries()).map((entry) => entry.name)
      expect(new Set(names)).to.have.property('size', 45)
      expect(names).to.have.length(45)
    })
  })
})

describe('copying', () => {
  it('brings everything below a manifest, once, the manifest last', async () => {
    await inTemp(async (dir) => {
      const from = await createLayout(join(dir, 'a'))
      const to = await createLayout(join(dir, 'b'))
      const index = await pushSample(from)
      const done: string[] = []
      let bytes = 0
      await copyGraph(from, to, index, {
        onProgress: (event) => {
          if (event.kind === 'done') done.push(event.descriptor.digest)
          if (event.kind === 'bytes') bytes += event.bytes
        },
      })
      expect(done).to.have.length(7)
      expect(done.at(-1)).to.equal(index.digest)
      expect(bytes).to.be.greaterThan(index.size)
      const again: string[] = []
      await copyGraph(from, to, index, { onProgress: (event) => again.push(event.kind) })
      expect(new Set(again)).to.deep.equal(new Set(['skipped']))
    })
  })

  it('stops at an altered blob and leaves no manifest behind', async () => {
    await inTemp(async (dir) => {
      const from = await createLayout(join(dir, 'a'))
      const to = await createLayout(join(dir, 'b'))
      const layer = text('layer of netmonitor')
      const index = await pushSample(from, layer)
      await writeFile(from.blobPath(describeBytes(layer).digest), 'LAYER of netmonitor')
      expect(await codeOfAsync(copyGraph(from, to, index))).to.equal('DIGEST_MISMATCH')
      expect(await to.exists(index)).to.equal(false)
      expect(await to.exists(describeBytes(layer))).to.equal(false)
      expect(await readdir(join(dir, 'b', 'ingest'))).to.deep.equal([])
    })
  })
})

describe('tarred layouts', () => {
  const stream = (tar: Pack): AsyncIterable<Uint8Array> => tar as AsyncIterable<Uint8Array>

  async function tarOf(dir: string, prefix: string): Promise<Pack> {
    const tar = pack()
    for (const name of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const path = join(name.parentPath, name.name)
      const inside = path.slice(dir.length + 1)
      if (name.isFile() && !inside.startsWith('index.lock'))
        tar.entry({ name: prefix + inside }, await readFile(path))
    }
    return tar
  }

  for (const prefix of ['', './']) {
    it(`are read with names like ${prefix}blobs/...`, async () => {
      await inTemp(async (dir) => {
        const from = await createLayout(join(dir, 'a'))
        const index = await pushSample(from)
        await from.tag('v1', index)
        const tar = await tarOf(join(dir, 'a'), prefix)
        tar.entry({ name: 'manifest.json' }, '[]')
        tar.finalize()
        const to = await createLayout(join(dir, 'b'))
        const entries = await readLayoutTar(stream(tar), to)
        expect(entries).to.deep.equal([{ name: 'v1', descriptor: index }])
        expect(await to.entries()).to.deep.equal([])
        await copyGraph(to, await createLayout(join(dir, 'c')), index)
      })
    })
  }

  const marker = '{"imageLayoutVersion":"1.0.0"}'
  const none = '{"schemaVersion":2,"manifests":[]}'
  const attacks: [string, (tar: Pack) => void, string][] = [
    ['a name with ..', (tar) => tar.entry({ name: '../escaped' }, 'x'), 'LAYOUT_INVALID'],
    [
      'a blob name with ..',
      (tar) => tar.entry({ name: 'blobs/sha256/../../../escaped' }, 'x'),
      'LAYOUT_INVALID',
    ],
    ['an absolute name', (tar) => tar.entry({ name: '/tmp/escaped' }, 'x'), 'LAYOUT_INVALID'],
    [
      'a symbolic link',
      (tar) => tar.entry({ name: 'blobs', type: 'symlink', linkname: '/tmp' }),
      'LAYOUT_INVALID',
    ],
    [
      'a hard link',
      (tar) => tar.entry({ name: 'index.json', type: 'link', linkname: '/etc/passwd' }),
      'LAYOUT_INVALID',
    ],
    ['a device', (tar) => tar.entry({ name: 'x', type: 'character-device' }), 'LAYOUT_INVALID'],
    [
      'a blob under another digest',
      (tar) => tar.entry({ name: `blobs/sha256/${'a'.repeat(64)}` }, 'x'),
      'DIGEST_MISMATCH',
    ],
    [
      'an entry without its manifest',
      (tar) =>
        tar.entry(
          { name: 'index.json' },
          `{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:${'a'.repeat(64)}","size":1}]}`,
        ),
      'LAYOUT_INVALID',
    ],
    ['no index.json', () => undefined, 'LAYOUT_INVALID'],
    [
      'two of index.json',
      (tar) => (tar.entry({ name: 'index.json' }, none), tar.entry({ name: './index.json' }, none)),
      'LAYOUT_INVALID',
    ],
    [
      'too many members',
      (tar) => {
        for (let i = 0; i < 60; i++) tar.entry({ name: `x${String(i)}` }, '')
      },
      'TOO_LARGE',
    ],
    ['too many bytes', (tar) => tar.entry({ name: 'x' }, 'x'.repeat(5000)), 'TOO_LARGE'],
  ]
  for (const [name, fill, code] of attacks) {
    it(`are refused with ${name}`, async () => {
      await inTemp(async (dir) => {
        const tar = pack()
        tar.entry({ name: 'oci-layout' }, marker)
        fill(tar)
        // All else is in order, so that nothing but the named fault can refuse it.
        if (!name.includes('index.json') && !name.includes('entry')) tar.entry({ name: 'index.json' }, none)
        tar.finalize()
        const to = await createLayout(join(dir, 'inner', 'store'))
        expect(await codeOfAsync(readLayoutTar(stream(tar), to, { members: 50, bytes: 4000 }))).to.equal(code)
        expect(await readdir(dir)).to.deep.equal(['inner'])
        expect(await readdir(join(dir, 'inner'))).to.deep.equal(['store'])
      })
    })
  }

  it('are refused when cut off, and when they are no tar', async () => {
    await inTemp(async (dir) => {
      const to = await createLayout(join(dir, 'b'))
      await writeFile(join(dir, 'x.tar'), 'this is no tar'.repeat(100))
      expect(await codeOfAsync(readLayoutTar(createReadStream(join(dir, 'x.tar')), to))).to.equal(
        'LAYOUT_INVALID',
      )
      const from = await createLayout(join(dir, 'a'))
      await from.tag('v1', await pushSample(from))
      const tar = await tarOf(join(dir, 'a'), '')
      tar.finalize()
      const parts: Uint8Array[] = []
      for await (const part of stream(tar)) parts.push(part)
      const whole = Buffer.concat(parts)
      await writeFile(join(dir, 'y.tar'), whole.subarray(0, 1500))
      const code = await codeOfAsync(readLayoutTar(createReadStream(join(dir, 'y.tar')), to))
      expect(code).to.be.oneOf(['LAYOUT_INVALID', 'SIZE_MISMATCH'])
    })
  })

  it('can be copied as plain folders', async () => {
    await inTemp(async (dir) => {
      const from = await createLayout(join(dir, 'a'))
      const index = await pushSample(from)
      await from.tag('v1', index)
      await cp(join(dir, 'a'), join(dir, 'b'), { recursive: true })
      const moved = await openLayout(join(dir, 'b'))
      expect((await readAll(moved, await moved.resolve('v1'), 10_000)).length).to.equal(index.size)
    })
  })
})
