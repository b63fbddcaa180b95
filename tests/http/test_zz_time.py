import asyncio, time, asyncpg
from uuid import uuid4
def test_time(world, running, server):
    dbname = running.composition.dsn.split("?")[0].rpartition("/")[2]
    async def go():
        admin = await asyncpg.connect(server.admin_dsn, database=dbname)
        t = world.ada.therapist_id; b = world.ben.therapist_id
        await admin.execute("""INSERT INTO client (practice_id,id,therapist_id,label,stage,created_at,updated_at,revision,sealed)
          SELECT $1, gen_random_uuid(), CASE WHEN i % 50 = 0 THEN $2::uuid ELSE $3::uuid END, md5(i::text), 'in_therapy', now(), now(), 1, decode(repeat('ab',900),'hex') FROM generate_series(1,10000) i""", world.practice_id, t, b)
        await admin.execute("ANALYZE client")
        import service.db.clients as c
        for round in ("without", "with"):
            if round == "with": await admin.execute("CREATE INDEX client_by_label ON client (practice_id, lower(label), id)")
            conn = await asyncpg.connect(running.composition.dsn)
            await conn.execute(f"BEGIN; SET LOCAL app.practice='{world.practice_id}'; SET LOCAL app.therapist='{t}'")
            for args in ((False,None,None,None,None,21),(False,None,"ab",None,None,21)):
                ts=[]
                for _ in range(15):
                    s=time.perf_counter(); await conn.fetch(c.CLIENTS_AFTER.sql, world.practice_id, *args); ts.append(time.perf_counter()-s)
                print("LIST", round, args[2], sorted(ts)[7]*1e3, "ms")
            await conn.close()
        await admin.execute("DROP INDEX client_by_label"); await admin.close()
    asyncio.run(go())
