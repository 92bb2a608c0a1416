// SPDX-License-Identifier: Apache-2.0
// Twenty operations of npm's dockerode against the engine at DOCKER_HOST; a line for each that holds.
"use strict";
const assert = require("assert");
const { PassThrough } = require("stream");
const Docker = require("dockerode");

const [image, name] = process.argv.slice(2);
const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace("unix://", "") });
const none = { NetworkMode: "none" };
let done = 0;

const operations = {
	"ping and version agree": async () => {
		assert.strictEqual((await docker.ping()).toString(), "OK");
		assert.strictEqual((await docker.version()).Os, "linux");
	},
	"info counts containers": async () => {
		const info = await docker.info();
		assert(Number.isInteger(info.Containers) && info.OSType === "linux");
	},
	"images are listed and inspected": async () => {
		const about = await docker.getImage(image).inspect();
		assert((await docker.listImages()).some((i) => i.Id === about.Id));
	},
	"an image is tagged and untagged": async () => {
		await docker.getImage(image).tag({ repo: "dockerode/app", tag: "1" });
		await docker.getImage("dockerode/app:1").remove();
		await assert.rejects(docker.getImage("dockerode/app:1").inspect(), { statusCode: 404 });
	},
	"an image's history has rows": async () => {
		assert((await docker.getImage(image).history()).length > 0);
	},
	"a container is created": async () => {
		const made = await docker.createContainer({
			Image: image, name, Cmd: ["sh", "-c", "echo ready; sleep 1000"], Labels: { of: name },
			Env: ["A=b"], HostConfig: none,
		});
		assert.strictEqual((await made.inspect()).State.Status, "created");
	},
	"it is started, and again that changes nothing": async () => {
		const c = docker.getContainer(name);
		await c.start();
		await assert.rejects(c.start(), { statusCode: 304 });
	},
	"a filter finds it": async () => {
		const found = await docker.listContainers({ filters: { label: [`of=${name}`], status: ["running"] } });
		assert.deepStrictEqual(found.map((c) => c.Names[0]), [`/${name}`]);
	},
	"its log is followed to the first line": async () => {
		const stream = await docker.getContainer(name).logs({ follow: true, stdout: true, stderr: true });
		assert.strictEqual((await first(demux(stream))).toString(), "ready\n");
		stream.destroy();
	},
	"exec with separate streams gives its exit code": async () => {
		const exec = await docker.getContainer(name).exec({
			Cmd: ["sh", "-c", "echo out; echo err >&2; exit 7"], AttachStdout: true, AttachStderr: true,
		});
		const out = collector(), err = collector();
		const stream = await exec.start({});
		docker.modem.demuxStream(stream, out, err);
		await ended(stream);
		assert.deepStrictEqual([out.text(), err.text()], ["out\n", "err\n"]);
		assert.strictEqual((await exec.inspect()).ExitCode, 7);
	},
	"exec takes input over a hijacked connection": async () => {
		const exec = await docker.getContainer(name).exec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true });
		const stream = await exec.start({ hijack: true, stdin: true });
		const out = collector();
		docker.modem.demuxStream(stream, out, out);
		stream.end("through\n");
		await ended(stream);
		assert.strictEqual(out.text(), "through\n");
	},
	"exec on a terminal is resized": async () => {
		const exec = await docker.getContainer(name).exec({
			Cmd: ["sh", "-c", "read x; stty size"], AttachStdin: true, AttachStdout: true, Tty: true,
		});
		const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
		const out = collector();
		stream.pipe(out);
		await exec.resize({ h: 31, w: 97 });
		stream.write("go\n");
		await ended(stream);
		assert(out.text().includes("31 97"), out.text());
	},
	"an archive goes in and comes out": async () => {
		const c = docker.getContainer(name);
		await c.putArchive(tar("hello.txt", "hello"), { path: "/tmp" });
		const back = await c.getArchive({ path: "/tmp/hello.txt" });
		const out = collector();
		back.pipe(out);
		await ended(back);
		assert(out.text().startsWith("hello.txt") && out.text().includes("hello", 512));
		const about = await c.infoArchive({ path: "/tmp/hello.txt" });
		const stat = JSON.parse(Buffer.from(about.headers["x-docker-container-path-stat"], "base64"));
		assert.strictEqual(stat.size, 5);
	},
	"processes, changes and figures are told": async () => {
		const c = docker.getContainer(name);
		assert((await c.top()).Processes.some((row) => row.join(" ").includes("sleep 1000")));
		assert((await c.changes()).some((change) => change.Path === "/tmp/hello.txt"));
		assert((await c.stats({ stream: false })).pids_stats.current >= 1);
	},
	"it is paused, unpaused, renamed and updated": async () => {
		const c = docker.getContainer(name);
		await c.pause();
		assert.strictEqual((await c.inspect()).State.Paused, true);
		await c.unpause();
		await c.rename({ name: `${name}-2` });
		await docker.getContainer(`${name}-2`).rename({ name });
		await c.update({ RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } });
		assert.strictEqual((await c.inspect()).HostConfig.RestartPolicy.MaximumRetryCount, 2);
	},
	"events come while it is killed, and wait has its status": async () => {
		const events = await docker.getEvents({ filters: { container: [name], event: ["die"] } });
		const c = docker.getContainer(name), waits = c.wait(), event = first(events);
		await c.kill();
		assert.strictEqual((await waits).StatusCode, 137);
		assert.strictEqual(JSON.parse(await event).Action, "die");
		events.destroy();
	},
	"it is committed to an image that is removed": async () => {
		const made = await docker.getContainer(name).commit({ repo: "dockerode/made", tag: "1" });
		assert.strictEqual((await docker.getImage("dockerode/made:1").inspect()).Id, made.Id);
		await docker.getImage("dockerode/made:1").remove();
	},
	"it is removed, and is gone": async () => {
		await docker.getContainer(name).remove({ force: true });
		await assert.rejects(docker.getContainer(name).inspect(), { statusCode: 404 });
	},
	"run puts the two streams where it is told": async () => {
		const out = collector(), err = collector();
		const [result, c] = await docker.run(image, ["sh", "-c", "echo out; echo err >&2; exit 3"], [out, err],
			{ Tty: false, HostConfig: none });
		assert.deepStrictEqual([result.StatusCode, out.text(), err.text()], [3, "out\n", "err\n"]);
		await c.remove();
	},
	"attach talks to a program before it starts": async () => {
		const c = await docker.createContainer({
			Image: image, Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true,
			HostConfig: { ...none, AutoRemove: true },
		});
		const stream = await c.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
		const out = collector();
		docker.modem.demuxStream(stream, out, out);
		await c.start();
		stream.end("attached\n");
		await ended(stream);
		assert.strictEqual(out.text(), "attached\n");
	},
};

function collector() {
	const chunks = [], sink = new PassThrough();
	sink.on("data", (chunk) => chunks.push(chunk));
	sink.text = () => Buffer.concat(chunks).toString();
	return sink;
}

function demux(stream) {
	const sink = new PassThrough();
	docker.modem.demuxStream(stream, sink, sink);
	return sink;
}

const first = (stream) => new Promise((resolve, reject) => stream.once("data", resolve).once("error", reject));
const ended = (stream) => new Promise((resolve, reject) => stream.once("end", resolve).once("error", reject));

/** A tar archive with one file: ustar, mode 0644. */
function tar(path, content) {
	const head = Buffer.alloc(512), body = Buffer.alloc(512);
	head.write(path);
	head.write("0000644\0" + "0000000\0".repeat(2) + content.length.toString(8).padStart(11, "0") + "\0" +
		"00000000000\0" + " ".repeat(8) + "0", 100);
	head.write("ustar\0" + "00", 257);
	head.write(head.reduce((sum, byte) => sum + byte).toString(8).padStart(6, "0") + "\0 ", 148);
	body.write(content);
	return Buffer.concat([head, body, Buffer.alloc(1024)]);
}

(async () => {
	for (const [what, act] of Object.entries(operations)) {
		await act().catch((e) => {
			console.log(`not ok: ${what}: ${e.stack}`);
			process.exit(1);
		});
		console.log(`ok ${++done}: ${what}`);
	}
	process.exit(0);
})();
