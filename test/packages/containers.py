#!/usr/bin/python3
"""Reads Dockerfile and compose.yaml as a container engine would, without one.

    containers.py check             speaks TAP: what can be judged by reading
    containers.py scripts DIRECTORY writes what the image's stages do as shell
                                    scripts stage0, stage1 ... which take /src for the
                                    build context, and "run": how it is started
"""
import json
import os
import pathlib
import re
import shlex
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRETS = {"POSTGRES_PASSWORD": "super'secret", "AUTHENTICATOR_PASSWORD": "may \\become",
           "JWT_SECRET": "0123456789abcdef0123456789abcdef"}
KNOWN = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL",
         "HEALTHCHECK", "ENTRYPOINT"}


def instructions():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, rest = line.split(None, 1)
            yield word, " ".join(rest.split())


def stages():
    result = []
    for word, rest in instructions():
        if word == "FROM":
            image, *name = rest.split()
            result.append({"image": image, "name": name[1] if name else None, "steps": []})
        else:
            result[-1]["steps"].append((word, rest))
    return result


def compose():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda m: SECRETS[m[1]].replace("\\", "\\\\"), text)
    return yaml.safe_load(text)


def command_of(steps, word):
    """The words of an exec form."""
    rest = dict(steps)[word]
    return json.loads(rest[rest.index("["):])


def copy(rest, number, order, directory):
    """A COPY, from the context or from an earlier stage."""
    *sources, target = rest.split()
    origin = "/src"
    if sources[0].startswith("--from="):
        stage = order.index(sources.pop(0)[7:])
        for source in sources:
            with open(directory / f"stage{stage}", "a", encoding="utf-8") as script:
                script.write(f"mkdir -p /src/build/image/{number}{os.path.dirname(source)}\n"
                             f"cp -a {source} /src/build/image/{number}{source}\n")
        origin = f"/src/build/image/{number}"
    lines = []
    for source in sources:
        if source == ".":
            lines.append(f"mkdir -p {target} && tar -C /src --exclude=./build --exclude=./.git -cf - . "
                         f"| tar -C {target} -xf -")
        else:
            lines.append(f"mkdir -p {target if target.endswith('/') else os.path.dirname(target)} && "
                         f"cp {os.path.join(origin, source.lstrip('/'))} {target}")
    return lines


def write_scripts(directory):
    directory.mkdir(parents=True, exist_ok=True)
    order = [stage["name"] for stage in stages()]
    for number, stage in enumerate(stages()):
        script = ["set -eu", "umask 022"]
        user, environment = "root", []
        for word, rest in stage["steps"]:
            if word == "RUN":
                script.append(f"runuser -u {user} -- sh -c {shlex.quote(rest)}"
                              if user != "root" else f"sh -c {shlex.quote(rest)}")
            elif word == "ENV":
                environment.append(f"export {rest}")
                script.append(environment[-1])
            elif word == "WORKDIR":
                script.append(f"mkdir -p {rest} && cd {rest}")
            elif word == "USER":
                user = rest
            elif word == "COPY":
                script += copy(rest, number, order, directory)
        (directory / f"stage{number}").write_text("\n".join(script) + "\n", encoding="utf-8")
    last = stages()[-1]["steps"]
    service = compose()["services"]
    run = environment + [f"export {name}={shlex.quote(str(value))}"
                         for name, value in service["db"]["environment"].items()]
    nginx = service["nginx"]
    run += [f"export {name}={shlex.quote(str(value))}" for name, value in nginx["environment"].items()]
    # "$$" is compose's for "$"; what is started then is started by containers.sh.
    configure = nginx["command"][2].replace("$$", "$").split("&& exec ")[0].rstrip(" &")
    run += [f"configure_nginx() {{ {configure}; }}"]
    run += [f"USER={user}", f"start() {{ exec {shlex.join(command_of(last, 'ENTRYPOINT'))}; }}",
            f"healthy() {{ {shlex.join(command_of(last, 'HEALTHCHECK'))}; }}",
            f"certificate() {{ {service['certificate']['command'][0]}; }}"]
    (directory / "run").write_text("\n".join(run) + "\n", encoding="utf-8")


def problems_of_dockerfile():
    for word, rest in instructions():
        if word not in KNOWN:
            yield f"{word} is not one of the instructions that are tried"
        if word == "RUN" and "apt-get install" in rest and "--no-install-recommends" not in rest:
            yield f"RUN {rest}: without --no-install-recommends"
        if word == "COPY" and not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                if not (ROOT / source).exists():
                    yield f"COPY {source}: there is no such file"
        if word == "FROM" and ":" not in rest:
            yield f"FROM {rest}: which version?"
    version = re.search(r"default_version = '(.*)'",
                        (ROOT / "group_api.control").read_text(encoding="utf-8"))[1]
    for name in re.findall(r"group-api_([0-9.]+)_", (ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if name != version:
            yield f"the package of {name}, while group_api.control says {version}"


def problems_of_compose():
    document = compose()
    services, volumes = document["services"], document["volumes"]
    for name, service in services.items():
        if ("image" in service) == ("build" in service):
            yield f"{name}: an image, or how to build it"
        if "image" in service and not re.search(r":v?\d+\.\d+", service["image"]):
            yield f"{name}: {service['image']} is of no certain version"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (ROOT / source).is_file():
                    yield f"{name}: there is no {source}"
            elif source not in volumes:
                yield f"{name}: there is no volume {source}"
        for other in service.get("depends_on", {}):
            if other not in services:
                yield f"{name}: there is no service {other}"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port} is open to everybody"
    told = (ROOT / "docker/entrypoint.sh").read_text(encoding="utf-8")
    for name in services["db"]["environment"]:
        if f"${{{name}:" not in told:
            yield f"db: entrypoint.sh knows no {name}"


def problems_of_meta():
    """The specification 1.0.0 of PGXN's META.json, as far as it is "must"."""
    meta = json.loads((ROOT / "META.json").read_text(encoding="utf-8"))
    control = re.search(r"default_version = '(.*)'",
                        (ROOT / "group_api.control").read_text(encoding="utf-8"))[1]
    for key in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
        if not meta.get(key):
            yield f"{key} is required"
    known = {"name", "version", "abstract", "maintainer", "license", "provides", "meta-spec",
             "description", "generated_by", "tags", "no_index", "prereqs", "release_status", "resources"}
    for key in set(meta) - known:
        if not key.lower().startswith("x_"):
            yield f"{key} is no key of the specification"
    semantic = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?\Z")
    versions = [meta["version"], meta["meta-spec"]["version"]]
    for name, extension in meta["provides"].items():
        versions.append(extension["version"])
        for key in ("file", "docfile"):
            if key in extension and not (ROOT / extension[key]).is_file():
                yield f"provides.{name}.{key}: there is no {extension[key]}"
    for phase in meta.get("prereqs", {}).values():
        for relation in phase.values():
            versions += relation.values()
    for version in versions:
        if not semantic.match(str(version)):
            yield f"{version} is no semantic version"
    if not meta["version"].startswith(control + "."):
        yield f"version {meta['version']}, while group_api.control says {control}"
    if meta["license"] != "postgresql":
        yield "license: LICENSE is PostgreSQL's"
    if meta.get("release_status", "stable") not in ("stable", "testing", "unstable"):
        yield "release_status is stable, testing or unstable"
    if meta["meta-spec"].get("url") not in (None, "https://pgxn.org/meta/spec.txt", "http://pgxn.org/meta/spec.txt"):
        yield "meta-spec.url"
    for tag in meta.get("tags", []):
        if not 1 <= len(tag) <= 255 or re.search(r"[/\\\x00-\x1f]", tag):
            yield f"tag {tag}"


def check():
    failed = 0
    tests = [("every instruction of the Dockerfile is tried, and its files are there", problems_of_dockerfile),
             ("compose.yaml names what there is", problems_of_compose),
             ("META.json follows PGXN's specification and says the version there is", problems_of_meta)]
    for number, (name, problems) in enumerate(tests, 1):
        found = list(problems())
        failed += bool(found)
        print(f"{'not ' if found else ''}ok {number} - {name}")
        for problem in found:
            print(f"#   {problem}")
    print(f"1..{len(tests)}")
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "check":
        sys.exit(check() > 0)
    write_scripts(pathlib.Path(sys.argv[2]))
