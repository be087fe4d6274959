"""Sharing a file in three steps: an upload address, the bytes, and the message that shows it."""

import mimetypes

from aiohttp import web

from bot.local_slack.api_chat import Method, open_channel, required
from bot.local_slack.model import Json, Message, SlackError
from bot.local_slack.state import Workspace

MOST_BYTES = 20 * 1024 * 1024


def get_upload_url(world: Workspace, args: Json) -> Json:
    """files.getUploadURLExternal."""
    name = required(args, "filename")
    try:
        length = int(required(args, "length"))
    except ValueError:
        raise SlackError("invalid_arguments", "must be an integer [json-pointer:/length]") from None
    if length <= 0:
        raise SlackError("invalid_arguments", "must be positive [json-pointer:/length]")
    if length > MOST_BYTES:
        raise SlackError("file_upload_size_restricted")
    id = world.new_id("F")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file: Json = {
        "id": id,
        "name": name,
        "title": name,
        "mimetype": kind,
        "filetype": name.rpartition(".")[2],
        "size": length,
        "alt_txt": args.get("alt_txt") or "",
        "url_private": f"{world.address}files/{id}/{name}",
        "permalink": f"{world.address}files/{id}/{name}",
    }
    world.files[id] = (file, b"")
    return {"upload_url": f"{world.address}upload/v1/{id}", "file_id": id}


async def upload(world: Workspace, request: web.Request) -> web.Response:
    """Take the bytes of a file, as a raw body or a multipart form."""
    file, _ = world.files.get(request.match_info["id"], ({}, b""))
    if not file:
        return web.Response(status=404, text="Not Found")
    if request.content_type == "multipart/form-data":
        parts = [p for p in (await request.post()).values() if isinstance(p, web.FileField)]
        data = parts[0].file.read() if parts else b""
    else:
        data = await request.read()
    if len(data) != file["size"]:
        return web.Response(status=400, text=f"length mismatch: announced {file['size']}, got {len(data)}")
    world.files[file["id"]] = (file, data)
    return web.Response(text=f"OK - {len(data)}")


async def download(world: Workspace, request: web.Request) -> web.Response:
    """Give a file's bytes to the page."""
    file, data = world.files.get(request.match_info["id"], ({}, b""))
    if not data:
        return web.Response(status=404, text="Not Found")
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=data, content_type=file["mimetype"], headers=headers)


def complete_upload(world: Workspace, args: Json) -> Json:
    """files.completeUploadExternal: share the files in a channel, if one is named."""
    wanted = args.get("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", "missing required field: files [json-pointer:/files]")
    shared = []
    for item in wanted:
        file, data = world.files.get(str(item.get("id")) if isinstance(item, dict) else "", ({}, b""))
        if not file or not data:
            raise SlackError("file_not_found")
        file["title"] = item.get("title") or file["title"]
        shared.append(file)
    target = args.get("channel_id") or args.get("channels")
    if target:
        channel = open_channel(world, target)
        thread_ts = args.get("thread_ts") or None
        if thread_ts and str(thread_ts) not in channel.messages:
            raise SlackError("thread_not_found")
        message = Message(
            ts=world.new_ts(),
            channel=channel.id,
            text=str(args.get("initial_comment") or ""),
            user=world.bot_user,
            bot_id=world.bot_id,
            app_id=world.app_id,
            thread_ts=str(thread_ts) if thread_ts else None,
            files=tuple(shared),
        )
        world.post(message)
    return {"files": shared}


METHODS: dict[str, Method] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
